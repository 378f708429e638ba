/**
 * All that the page computes, as a value without a page: a model, one picture and its class names, and maps, attention
 * and norms of them. The blocks before those that a panel changes run once a picture.
 */
import type { LoadedClip } from '../../../checkpoint/assemble.js';
import { InputError } from '../../../errors.js';
import type { Picture } from '../../../image/picture.js';
import { coloursOf } from '../../../segment/draw.js';
import { photoPlanes, protocolForModel } from '../../../segment/input.js';
import type { PrefixStore } from '../../../segment/prefixStore.js';
import { protocols } from '../../../segment/protocols.js';
import { openSegmenter, promptsFor, type Segmentation, type Segmenter } from '../../../segment/segmenter.js';
import { type TextFeatures, textFeatures } from '../../../segment/textFeatures.js';
import { parseClasses, type Vocabulary } from '../../../segment/vocabulary.js';
import type { Planes } from '../../../segment/windowRuns.js';
import type { Values } from '../../../tensor/compile.js';
import type { MethodInfo, PanelState } from '../state.js';
import { type Ask, askingRunner } from './asking.js';
import { type ClassHeat, cosinesAt, cosinesOf } from './cosines.js';
import type { Dial } from './dial.js';
import { openInspector, type PatchSight, patchSight, type WindowSight } from './inspect.js';
import { type Cell, type Places, placesOf, windowOf, windowPixels } from './places.js';
import { alphaOf, isOwn, methodInfos, methodOf, panelKey } from './settings.js';

/** A model in the lab. */
export interface LabInfo {
  readonly name: string;
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly patch: number;
  readonly methods: readonly MethodInfo[];
}

/** A picture as the model sees it. */
export interface Look {
  /** Pixels of the picture. */
  readonly width: number;
  readonly height: number;
  /** Pixels of the size that it is resized to. */
  readonly workingWidth: number;
  readonly workingHeight: number;
  /** Side of a patch there. */
  readonly patch: number;
  readonly rows: number;
  readonly columns: number;
  readonly windows: number;
}

/** A class, and the colour it is painted in. */
export interface NamedClass {
  readonly name: string;
  readonly synonyms: readonly string[];
  readonly colour: readonly [red: number, green: number, blue: number];
}

/** What a panel found. */
export interface PanelMap {
  readonly width: number;
  readonly height: number;
  /** Classes by index, `[height, width]`. */
  readonly labels: Uint8Array | Uint16Array;
  /** Share of the picture, by class. */
  readonly shares: readonly number[];
  readonly milliseconds: number;
}

/** What is behind one cell. */
export interface CellSight extends PatchSight {
  /** The window that was looked at, in pixels of the working size. */
  readonly window: { readonly y1: number; readonly x1: number; readonly y2: number; readonly x2: number };
  /** The patch of that window. */
  readonly patch: Cell;
  /** By panel: the cosine of every class at the middle of the cell. */
  readonly cosines: Readonly<Record<string, readonly number[]>>;
  readonly milliseconds: number;
}

export interface Lab {
  readonly info: LabInfo;
  /** Takes a picture. What was found in the one before is forgotten. */
  look(picture: Picture): Look;
  /** Takes class names, as on the command line. @throws InputError as `parseClasses`, or for a name that is too long */
  name(text: string, onProgress?: (done: number, total: number) => void): Promise<NamedClass[]>;
  /**
   * The map of a panel.
   * @param id what the panel is known by in `cell` and `heat`
   * @param ask computes the attention of a panel that has the user's own
   * @throws InputError when there is no picture, or there are no names yet, or the method refuses the model
   */
  segment(
    id: string,
    panel: PanelState,
    onProgress?: (done: number, total: number) => void,
    ask?: Ask,
  ): Promise<PanelMap>;
  /** @throws InputError for a cell outside the picture */
  cell(cell: Cell, panels: readonly string[]): Promise<CellSight>;
  /** @throws InputError for a panel without a map, or a class that is not there */
  heat(id: string, label: number): ClassHeat;
  dispose(): Promise<void>;
}

/** Methods that are ready at one time: each holds the weights of the blocks that it changes. */
const mostMethods = 12;
/** Values of attention patterns that are kept, of the windows looked at last. */
const mostValues = 64 << 20;

/** One picture and all that hangs on it. */
interface Scene {
  readonly picture: Picture;
  readonly planes: Planes;
  readonly places: Places;
  readonly store: Map<string, readonly Values[]>;
  readonly sights: Map<number, WindowSight>;
}

interface Named {
  readonly vocabulary: Vocabulary;
  readonly texts: TextFeatures;
}

/**
 * Opens a lab over a model. Sizes, windows, positions and prompts are SCLIP's in all panels, so that they share their
 * prefix, as in `clipscope compare`.
 *
 * @throws InputError for a model without an image or a text tower
 */
export async function openLab(clip: LoadedClip, dial: Dial): Promise<Lab> {
  const { image, text } = clip.config;
  if (!image || !text) throw new InputError('lab: expected a model with an image and a text tower');
  const protocol = protocolForModel(protocols.sclip, image, clip.settings.protocol);
  const { runner, factor } = dial;
  const asking = askingRunner(runner, image);
  const inspector = await openInspector(clip, runner, protocol.positions);
  const encoded = new Map<string, Float32Array>();
  const segmenters = new Map<string, Promise<Segmenter>>();
  const results = new Map<string, { segmentation: Segmentation; logits?: Float32Array }>();
  let scene: Scene | undefined;
  let named: Named | undefined;

  const sceneNow = (): Scene => {
    if (!scene) throw new InputError('lab: expected a picture first');
    return scene;
  };
  const prefixes: PrefixStore = {
    get: async ({ window }) => scene?.store.get(window),
    put: async ({ window }, values) => void scene?.store.set(window, values),
  };

  function segmenterFor(panel: PanelState): Promise<Segmenter> {
    const key = panelKey(panel);
    const options = { base: protocols.sclip, prefixes, runner: isOwn(panel) ? asking.runner : runner };
    const segmenter = segmenters.get(key) ?? openSegmenter(clip, [methodOf(panel, factor, asking.attention)], options);
    segmenters.delete(key);
    segmenters.set(key, segmenter);
    segmenter.catch(() => segmenters.delete(key));
    const [oldest] = segmenters;
    if (segmenters.size > mostMethods && oldest) {
      segmenters.delete(oldest[0]);
      void oldest[1].then(one => one.dispose());
    }
    return segmenter;
  }

  function logitsOf(id: string): { segmentation: Segmentation; logits: Float32Array } {
    const result = results.get(id);
    if (!result) throw new InputError(`lab: panel '${id}' has no map yet`);
    result.logits ??= result.segmentation.logits();
    return { segmentation: result.segmentation, logits: result.logits };
  }

  async function sightOf({ planes, places, sights }: Scene, window: number): Promise<WindowSight> {
    const known = sights.get(window);
    if (known) return known;
    const sight = await inspector.look(windowPixels(planes, places.windows[window]!, places.grid, image!.patch));
    const values = sight.patterns.reduce((sum, { data }) => sum + data.length, 0);
    while (sights.size > 0 && (sights.size + 1) * values > mostValues) sights.delete(sights.keys().next().value!);
    sights.set(window, sight);
    return sight;
  }

  return {
    info: {
      name: clip.name,
      layers: image.layers,
      heads: image.heads,
      width: image.width,
      patch: image.patch,
      methods: methodInfos,
    },

    look(picture) {
      const planes = photoPlanes(picture, protocol, clip.preprocessor);
      const places = placesOf(planes, protocol, image.patch);
      scene = { picture, planes, places, store: new Map(), sights: new Map() };
      results.clear();
      return {
        width: picture.width,
        height: picture.height,
        workingWidth: planes.width,
        workingHeight: planes.height,
        patch: image.patch,
        ...places.cells,
        windows: places.windows.length,
      };
    },

    async name(line, onProgress) {
      const vocabulary = parseClasses(line);
      const { queries } = vocabulary;
      const fresh = queries.filter(query => !encoded.has(query));
      if (fresh.length > 0) {
        const options = { runner, ...(onProgress && { onProgress }) };
        const { values, width } = await textFeatures(clip, fresh, promptsFor(clip, protocol), options);
        fresh.forEach((query, i) => {
          encoded.set(query, values.slice(i * width, (i + 1) * width));
        });
      }
      const width = clip.config.embedding;
      const values = new Float32Array(queries.length * width);
      queries.forEach((query, i) => {
        values.set(encoded.get(query)!, i * width);
      });
      named = { vocabulary, texts: { count: queries.length, width, values } };
      results.clear();
      const colours = coloursOf(vocabulary.classes.map(({ name }) => name));
      return vocabulary.classes.map(({ name, synonyms }, i) => ({
        name,
        synonyms,
        colour: [colours[3 * i]!, colours[3 * i + 1]!, colours[3 * i + 2]!],
      }));
    },

    async segment(id, panel, onProgress, ask) {
      const started = performance.now();
      const { picture } = sceneNow();
      if (!named) throw new InputError('lab: expected class names first');
      const segmenter = await segmenterFor(panel);
      if (ask) asking.ask(ask);
      dial.turn(alphaOf(panel));
      const options = { texts: named.texts, pictureId: 'picture', ...(onProgress && { onProgress }) };
      const [segmentation] = await segmenter.segment(picture, named.vocabulary, options);
      results.set(id, { segmentation: segmentation! });
      const { width, height, labels, classes } = segmentation!;
      const shares = classes.map(({ share }) => share);
      return { width, height, labels: labels.slice(), shares, milliseconds: performance.now() - started };
    },

    async cell(cell, panels) {
      const started = performance.now();
      const now = sceneNow();
      const { rows, columns } = now.places.cells;
      if (!(cell.row >= 0 && cell.row < rows && cell.column >= 0 && cell.column < columns)) {
        throw new InputError(`lab: expected a cell of ${rows} x ${columns}, got ${cell.row}, ${cell.column}`);
      }
      const { window, patch } = windowOf(now.places, cell, image.patch);
      const sight = await sightOf(now, window);
      const { grid } = now.places;
      const at = (id: string): number[] => {
        const { segmentation, logits } = logitsOf(id);
        return cosinesAt(segmentation, logits, cell, now.planes, image.patch);
      };
      return {
        ...patchSight(sight, grid, patch.row * grid.columns + patch.column),
        window: now.places.windows[window]!,
        patch,
        cosines: Object.fromEntries(panels.filter(id => results.has(id)).map(id => [id, at(id)])),
        milliseconds: performance.now() - started,
      };
    },

    heat(id, label) {
      const { segmentation, logits } = logitsOf(id);
      if (!segmentation.vocabulary.classes[label]) throw new InputError(`lab: there is no class ${label}`);
      return cosinesOf(segmentation, logits, label);
    },

    async dispose() {
      await inspector.dispose();
      for (const segmenter of segmenters.values()) await (await segmenter).dispose();
      await runner.dispose();
      clip.dispose();
    },
  };
}
