/** The image tower over the windows of an image, several variants at a time: from pixels to cosines with every query. */
import type { Clip } from '../model/clip.js';
import { gridOf, type ImageConfig } from '../model/config.js';
import type { Variant } from '../model/imageTower.js';
import type { PositionMode } from '../model/positions.js';
import type { Compiled, Values } from '../tensor/compile.js';
import { unitLength } from '../tensor/ops/unitLength.js';
import type { Runner } from '../tensor/runner.js';
import { matMul, type Pixels, reshape, slice, type Tensor2D, type Tensor3D, transpose } from '../tensor/tfjs.js';
import type { WindowLogits } from './dense/stitch.js';
import { type Padding, padToMultiple, slidingWindows, type WindowRect } from './dense/windows.js';
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

/** From pixels `[b, 3, height, width]` and features `[embedding, q]` to cosines `[b, q, patches]`, one a variant. */
export type DenseRun = Compiled<Tensor3D[]>;

/** Prepares the image tower for windows. Variants share the blocks before the ones they change. */
export function prepareDense(
  clip: Clip,
  variants: readonly Variant[],
  positions: PositionMode,
  { prepare }: Runner,
): Promise<DenseRun> {
  const dense = (pixels: Pixels, texts: Tensor2D): Tensor3D[] =>
    clip.variants(pixels, variants, { positions }).map(({ tokens }) => {
      const [b, n, e] = tokens.shape;
      const features = unitLength(slice(tokens, [0, 1, 0], [b, n - 1, e]));
      const dots = matMul(reshape<Tensor2D>(features, [b * (n - 1), e]), texts);
      return transpose(reshape<Tensor3D>(dots, [b, n - 1, texts.shape[1]]), [0, 2, 1]);
    });
  return prepare(dense, [{ shape: ['batch', 3, 'height', 'width'] }, { shape: [clip.config.embedding, 'queries'] }]);
}

/** For each variant, the cosines of every window's patches with the text features. */
export async function windowLogits(
  run: DenseRun,
  config: ImageConfig,
  planes: Planes,
  texts: TextFeatures,
  { window, stride, padding, onProgress }: WindowSettings,
): Promise<WindowLogits[][]> {
  const windows = slidingWindows(planes.height, planes.width, window, stride);
  // All windows of one image have one size, because the last is shifted back to the border.
  const height = windows[0]!.y2 - windows[0]!.y1;
  const width = windows[0]!.x2 - windows[0]!.x1;
  const pad = paddingOf(padding, height, width, config.patch);
  const [paddedHeight, paddedWidth] = [height + pad.top + pad.bottom, width + pad.left + pad.right];
  const grid = gridOf(config, paddedHeight, paddedWidth);
  const patches = grid.rows * grid.columns;
  const atOnce = Math.max(1, Math.floor(tokensAtOnce / (1 + patches)));
  const queries: Values = { data: transposed(texts), shape: [texts.width, texts.count] };
  const size = texts.count * patches;
  const results: WindowLogits[][] = [];
  onProgress?.(0, windows.length);
  for (let from = 0; from < windows.length; from += atOnce) {
    const group = windows.slice(from, from + atOnce);
    const pixels = new Float32Array(group.length * 3 * paddedHeight * paddedWidth);
    group.forEach((w, i) => {
      cutWindow(planes, w, pad, pixels, i * 3 * paddedHeight * paddedWidth, paddedHeight, paddedWidth);
    });
    const input: Values = { data: pixels, shape: [group.length, 3, paddedHeight, paddedWidth] };
    for (const [i, { data }] of (await run(input, queries)).entries()) {
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

/** Copies a window out of the planes into a larger, zeroed place. */
function cutWindow(
  planes: Planes,
  w: WindowRect,
  pad: Padding,
  out: Float32Array,
  at: number,
  height: number,
  width: number,
) {
  for (let channel = 0; channel < 3; channel++) {
    for (let y = w.y1; y < w.y2; y++) {
      const from = (channel * planes.height + y) * planes.width;
      const to = at + (channel * height + pad.top + y - w.y1) * width + pad.left;
      out.set(planes.values.subarray(from + w.x1, from + w.x2), to);
    }
  }
}
