/** What the page shows, for its views to read. */
import type { ClassHeat } from './engine/cosines.js';
import type { CellSight, Look, NamedClass, PanelMap } from './engine/lab.js';
import type { Cell } from './engine/places.js';
import type { LoadedModel } from './engine/protocol.js';
import type { CodeFailure } from './sandbox/sandbox.js';
import type { PanelState } from './state.js';

/** A panel, its setting and what came of it. */
export interface ShownPanel {
  readonly id: string;
  setting: PanelState;
  map?: PanelMap | undefined;
  /** Cosines of the class that is pinned. */
  heat?: ClassHeat | undefined;
  failure?: string | undefined;
  busy: boolean;
}

export interface ShownPicture {
  /** Of the file. */
  readonly name: string;
  /** Of the example that it is. */
  readonly example?: string | undefined;
  readonly look: Look;
  readonly rgba: Uint8ClampedArray;
}

/** All that is shown. The session changes it. */
export interface Shown {
  model?: LoadedModel | undefined;
  /** Whether the commands need no `--model`. */
  embedded: boolean;
  picture?: ShownPicture | undefined;
  classesText: string;
  classes: readonly NamedClass[];
  classesFailure?: string | undefined;
  panels: ShownPanel[];
  /** The class whose cosines are shown in the place of labels. */
  pinned?: number | undefined;
  cell?: Cell | undefined;
  sight?: CellSight | undefined;
  code: string;
  codeFailure?: CodeFailure | undefined;
  /** What is being waited for. */
  progress?: { readonly text: string; readonly share?: number | undefined } | undefined;
  /** What went wrong with a model, a picture or an address. */
  notice?: string | undefined;
}

export const isOwn = ({ setting }: ShownPanel): boolean => setting.attention === 'mine';
