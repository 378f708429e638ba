/** The image tower over the windows of an image, several variants at a time: from pixels to cosines with every query. */
import { gridOf, type ImageConfig } from '../model/config.js';
import type { Values } from '../tensor/compile.js';
import type { WindowLogits } from './dense/stitch.js';
import { type Padding, padToMultiple, slidingWindows, type WindowRect } from './dense/windows.js';
import type { DenseRun, WindowBatch } from './denseRun.js';
import { type KeptPrefixes, keptPrefix, keyOf } from './keptPrefix.js';
import type { TextFeatures } from './textFeatures.js';

/** Normalised pixels `[3, height, width]`. */
export interface Planes {
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** How an image is cut into windows and run. */
interface WindowSettings {
  /** Side of the sliding window in pixels; 0: no windows. */
  readonly window: number;
  readonly stride: number;
  readonly padding: 'drop' | 'centre' | 'corner';
  /** Called at the start and after each batch of windows. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Tokens in one batch of windows: memory grows with them, and past this nothing is gained. */
const tokensAtOnce = 800;

const noPadding: Padding = { left: 0, right: 0, top: 0, bottom: 0 };

/** For each method, the cosines of every window's patches with the text features. */
export async function windowLogits(
  run: DenseRun,
  config: ImageConfig,
  planes: Planes,
  texts: TextFeatures,
  { window, stride, padding, onProgress }: WindowSettings,
  kept?: KeptPrefixes,
): Promise<WindowLogits[][]> {
  const windows = slidingWindows(planes.height, planes.width, window, stride);
  // All windows of one image have one size, because the last is shifted back to the border.
  const height = windows[0]!.y2 - windows[0]!.y1;
  const width = windows[0]!.x2 - windows[0]!.x1;
  const pad = paddingOf(padding, height, width, config.patch);
  const grid = gridOf(config, height + pad.top + pad.bottom, width + pad.left + pad.right);
  const patches = grid.rows * grid.columns;
  const atOnce = Math.max(1, Math.floor(tokensAtOnce / (1 + patches)));
  const queries: Values = { data: transposed(texts), shape: [texts.width, texts.count] };
  const size = texts.count * patches;
  const results: WindowLogits[][] = [];
  onProgress?.(0, windows.length);
  for (let from = 0; from < windows.length; from += atOnce) {
    const group = windows.slice(from, from + atOnce);
    const batch = windowBatch(planes, group, pad, { grid, texts: queries });
    const keys = kept && group.map(rect => keyOf(kept, planes, rect, pad, run.reads));
    const cosines = await (kept
      ? run.cosinesFrom(await keptPrefix(run, config, kept.store, keys!, batch), batch)
      : run.cosines(batch));
    for (const [i, { data }] of cosines.entries()) {
      results[i] ??= [];
      group.forEach((w, at) => {
        results[i]!.push({
          ...w,
          logits: data.slice(at * size, (at + 1) * size) as Float32Array,
          gridHeight: grid.rows,
          gridWidth: grid.columns,
          ...(padding === 'centre' && { padding: pad }),
        });
      });
    }
    onProgress?.(Math.min(from + atOnce, windows.length), windows.length);
  }
  return results;
}

/** Features as `[width, count]`. */
function transposed({ values, count, width }: TextFeatures): Float32Array {
  const out = new Float32Array(values.length);
  for (let q = 0; q < count; q++) for (let e = 0; e < width; e++) out[e * count + q] = values[q * width + e]!;
  return out;
}

function paddingOf(padding: WindowSettings['padding'], height: number, width: number, patch: number): Padding {
  // A window smaller than a patch has no whole patch to keep, so there `drop` pads too.
  if (padding === 'drop' && height >= patch && width >= patch) return noPadding;
  if (padding === 'centre') return padToMultiple(height, width, patch);
  const { left, right, top, bottom } = padToMultiple(height, width, patch);
  return { left: 0, top: 0, right: left + right, bottom: top + bottom };
}

/** A batch whose pixels are cut out once they are asked for: with a kept prefix, few methods do. */
function windowBatch(
  planes: Planes,
  rects: readonly WindowRect[],
  pad: Padding,
  others: Pick<WindowBatch, 'grid' | 'texts'>,
): WindowBatch {
  let cut: Pick<WindowBatch, 'windows' | 'pixels'> | undefined;
  const made = () => {
    cut ??= cutWindows(planes, rects, pad);
    return cut;
  };
  return {
    ...others,
    get windows() {
      return made().windows;
    },
    get pixels() {
      return made().pixels;
    },
  };
}

/** Windows out of the planes, one behind the other, each in the middle of zeros where it is padded. */
function cutWindows(
  planes: Planes,
  rects: readonly WindowRect[],
  pad: Padding,
): Pick<WindowBatch, 'windows' | 'pixels'> {
  const height = rects[0]!.y2 - rects[0]!.y1 + pad.top + pad.bottom;
  const width = rects[0]!.x2 - rects[0]!.x1 + pad.left + pad.right;
  const size = 3 * height * width;
  const data = new Float32Array(rects.length * size);
  rects.forEach((rect, i) => {
    cutWindow(planes, rect, pad, data.subarray(i * size, (i + 1) * size), height, width);
  });
  const windows = rects.map((_, i) => ({ values: data.subarray(i * size, (i + 1) * size), height, width }));
  return { windows, pixels: { data, shape: [rects.length, 3, height, width] } };
}

function cutWindow(planes: Planes, w: WindowRect, pad: Padding, out: Float32Array, height: number, width: number) {
  for (let channel = 0; channel < 3; channel++) {
    for (let y = w.y1; y < w.y2; y++) {
      const from = (channel * planes.height + y) * planes.width;
      const to = (channel * height + pad.top + y - w.y1) * width + pad.left;
      out.set(planes.values.subarray(from + w.x1, from + w.x2), to);
    }
  }
}
