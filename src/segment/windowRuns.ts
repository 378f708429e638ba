/** The image tower over the windows of an image, several variants at a time: from pixels to cosines with every query. */
import type { Clip } from '../model/clip.js';
import { gridOf } from '../model/config.js';
import type { Variant } from '../model/imageTower.js';
import type { PositionMode } from '../model/positions.js';
import { unitLength } from '../tensor/ops/unitLength.js';
import { matMul, reshape, slice, type Tensor2D, tensor2d, tensor4d, tidy, transpose } from '../tensor/tfjs.js';
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
  readonly positions: PositionMode;
  /** Called after each batch of windows. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Tokens in one batch of windows: memory grows with them, and past this nothing is gained. */
const tokensAtOnce = 800;

const noPadding: Padding = { left: 0, right: 0, top: 0, bottom: 0 };

/**
 * For each variant, the cosines of every window's patches with the text features. Variants share the blocks before the
 * ones they change.
 */
export async function windowLogits(
  clip: Clip,
  planes: Planes,
  texts: TextFeatures,
  variants: readonly Variant[],
  { window, stride, padding, positions, onProgress }: WindowSettings,
): Promise<WindowLogits[][]> {
  const { patch } = clip.config.image!;
  const windows = slidingWindows(planes.height, planes.width, window, stride);
  // All windows of one image have one size, because the last is shifted back to the border.
  const height = windows[0]!.y2 - windows[0]!.y1;
  const width = windows[0]!.x2 - windows[0]!.x1;
  const pad = paddingOf(padding, height, width, patch);
  const [paddedHeight, paddedWidth] = [height + pad.top + pad.bottom, width + pad.left + pad.right];
  const grid = gridOf(clip.config.image!, paddedHeight, paddedWidth);
  const patches = grid.rows * grid.columns;
  const atOnce = Math.max(1, Math.floor(tokensAtOnce / (1 + patches)));
  const results: WindowLogits[][] = variants.map(() => []);
  const transposed = tidy(() => transpose(tensor2d(texts.values, [texts.count, texts.width])));
  try {
    for (let from = 0; from < windows.length; from += atOnce) {
      const group = windows.slice(from, from + atOnce);
      const pixels = new Float32Array(group.length * 3 * paddedHeight * paddedWidth);
      group.forEach((w, i) => {
        cutWindow(planes, w, pad, pixels, i * 3 * paddedHeight * paddedWidth, paddedHeight, paddedWidth);
      });
      const cosines = tidy(() => {
        const input = tensor4d(pixels, [group.length, 3, paddedHeight, paddedWidth]);
        return clip.variants(input, variants, { positions }).map(({ tokens }) => {
          const [b, , e] = tokens.shape;
          const features = unitLength(slice(tokens, [0, 1, 0], [b, patches, e]));
          const dots = matMul(reshape<Tensor2D>(features, [b * patches, e]), transposed); // [b * n, q]
          return transpose(reshape(dots, [b, patches, texts.count]), [0, 2, 1]); // [b, q, n]
        });
      });
      for (const [i, tensor] of cosines.entries()) {
        const values = (await tensor.data()) as Float32Array;
        tensor.dispose();
        const size = texts.count * patches;
        group.forEach((w, at) => {
          results[i]!.push({
            ...w,
            logits: values.slice(at * size, (at + 1) * size),
            gridHeight: grid.rows,
            gridWidth: grid.columns,
            ...(padding === 'centre' && { padding: pad }),
          });
        });
      }
      onProgress?.(Math.min(from + atOnce, windows.length), windows.length);
    }
    return results;
  } finally {
    transposed.dispose();
  }
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
