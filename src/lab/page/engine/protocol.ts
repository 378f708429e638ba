/** What passes between the page and the worker that computes. All of it is plain data. */
import type { OfferedFile } from '../../offer.js';
import type { CodeFailure, RunnableCode } from '../sandbox/sandbox.js';
import type { PanelState } from '../state.js';
import type { ClassHeat } from './cosines.js';
import type { CellSight, LabInfo, Look, NamedClass, PanelMap } from './lab.js';
import type { Cell } from './places.js';

/** Where graphs are computed; `auto` takes what is best here. */
export const computes = ['auto', 'wasm', 'webgpu', 'eager'] as const;
export type Compute = (typeof computes)[number];

/** A model to load: one that the server has, or files that the user picked. */
export interface ModelSource {
  readonly name: string;
  readonly files: readonly OfferedFile[] | Readonly<Record<string, Blob>>;
  readonly vocabulary: OfferedFile;
  /** Whether the server has ONNX Runtime for graphics processors. */
  readonly webgpu: boolean;
  readonly compute: Compute;
}

/** A model that is ready, and what computes it. */
export interface LoadedModel extends LabInfo {
  readonly compute: Exclude<Compute, 'auto'>;
  readonly threads: number;
  /** Whether the files came out of this browser's cache. */
  readonly cached: boolean;
}

/** What can be asked of the worker. */
export interface Tasks {
  load: { given: ModelSource; result: LoadedModel };
  /** A picture as the file it came in. */
  look: { given: { name: string; file: Blob }; result: Look & { readonly rgba: Uint8ClampedArray } };
  name: { given: string; result: NamedClass[] };
  segment: { given: { id: string; panel: PanelState; code?: RunnableCode }; result: PanelMap };
  cell: { given: { cell: Cell; panels: readonly string[] }; result: CellSight };
  heat: { given: { id: string; label: number }; result: ClassHeat };
}

export type TaskName = keyof Tasks;

export type Request = {
  [Name in TaskName]: { readonly id: number; readonly task: Name; readonly given: Tasks[Name]['given'] };
}[TaskName];

/** An error on its way between threads, which would lose its class. */
export interface Failure {
  readonly message: string;
  /** Whether it is the user's to mend. */
  readonly isInput: boolean;
  /** Where in the user's code, if that is what failed. */
  readonly code?: CodeFailure;
}

/** How far something is: bytes, windows or names, by what `what` says. */
export interface Progress {
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

export type Reply =
  | { readonly id: number; readonly value: Tasks[TaskName]['result'] }
  | { readonly id: number; readonly failure: Failure }
  | { readonly id: number; readonly progress: Progress };

/** The user's code gave no map. */
export class CodeError extends Error {
  constructor(readonly failure: CodeFailure) {
    super(failure.message);
  }
}
