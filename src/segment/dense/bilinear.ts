/** Bilinear resizing of plain arrays, as PyTorch's `interpolate` does it. */
import { largeArray } from './checks.js';

/** For each output position of one axis: the lower of its two source positions and the weight of the upper one. */
interface BilinearTaps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly fraction: Float64Array;
}

/**
 * The two source positions and their weights for linear interpolation along one axis, as PyTorch's `interpolate` has
 * them. `alignCorners` false: source coordinate `(i + 0.5) * input / output - 0.5`, not below 0; true: `i * (input - 1) /
 * (output - 1)`.
 */
export function bilinearTaps(input: number, output: number, alignCorners = false): BilinearTaps {
  const low = new Int32Array(output);
  const high = new Int32Array(output);
  const fraction = new Float64Array(output);
  const step = alignCorners ? (output > 1 ? (input - 1) / (output - 1) : 0) : input / output;
  for (let i = 0; i < output; i++) {
    const source = alignCorners ? i * step : Math.max((i + 0.5) * step - 0.5, 0);
    const floor = Math.min(Math.floor(source), input - 1);
    low[i] = floor;
    high[i] = Math.min(floor + 1, input - 1);
    // Beyond the last position both taps are the same one.
    fraction[i] = floor < input - 1 ? source - floor : 0;
  }
  return { low, high, fraction };
}

/**
 * Resizes `count` planes `[height, width]` to `[outHeight, outWidth]`, bilinear without antialiasing (PyTorch's
 * `interpolate`, see `bilinearTaps`). The same size gives a copy.
 * @throws InputError when the result would pass 2 GiB.
 */
export function resizePlanes(
  planes: Float32Array,
  count: number,
  [height, width]: readonly [number, number],
  [outHeight, outWidth]: readonly [number, number],
  alignCorners = false,
): Float32Array {
  if (height === outHeight && width === outWidth) return planes.slice(0, count * height * width);
  const rows = bilinearTaps(height, outHeight, alignCorners);
  const columns = bilinearTaps(width, outWidth, alignCorners);
  const out = largeArray(count * outHeight * outWidth, 'resizePlanes', 'ask for a smaller size or fewer planes');
  const blended = new Float64Array(width);
  let at = 0;
  for (let plane = 0; plane < count; plane++) {
    for (let y = 0; y < outHeight; y++) {
      const top = (plane * height + rows.low[y]!) * width;
      const bottom = (plane * height + rows.high[y]!) * width;
      const fy = rows.fraction[y]!;
      for (let x = 0; x < width; x++) blended[x] = planes[top + x]! * (1 - fy) + planes[bottom + x]! * fy;
      for (let x = 0; x < outWidth; x++) {
        const fx = columns.fraction[x]!;
        out[at++] = blended[columns.low[x]!]! * (1 - fx) + blended[columns.high[x]!]! * fx;
      }
    }
  }
  return out;
}
