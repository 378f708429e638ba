/** Bilinear resizing of plain arrays, as PyTorch's `interpolate` does it. */
import { atOnce, type Steps } from '../../turns.js';
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
export const resizePlanes = (...given: Parameters<typeof resizePlanesSteps>): Float32Array =>
  atOnce(resizePlanesSteps(...given));

/** `resizePlanes` in steps. */
export function* resizePlanesSteps(
  planes: Float32Array,
  count: number,
  [height, width]: readonly [number, number],
  [outHeight, outWidth]: readonly [number, number],
  alignCorners = false,
): Steps<Float32Array> {
  if (height === outHeight && width === outWidth) return planes.slice(0, count * height * width);
  const rows = bilinearTaps(height, outHeight, alignCorners);
  const columns = bilinearTaps(width, outWidth, alignCorners);
  const out = largeArray(count * outHeight * outWidth, 'resizePlanes', 'ask for a smaller size or fewer planes');
  const blended = new Float64Array(width);
  for (let row = 0; row < count * outHeight; row++) {
    const first = Math.floor(row / outHeight) * height;
    const y = row % outHeight;
    blendRows(planes, (first + rows.low[y]!) * width, (first + rows.high[y]!) * width, rows.fraction[y]!, blended);
    blendColumns(blended, columns, out, row * outWidth);
    yield;
  }
  return out;
}

function blendRows(planes: Float32Array, top: number, bottom: number, share: number, out: Float64Array): void {
  for (let x = 0; x < out.length; x++) out[x] = planes[top + x]! * (1 - share) + planes[bottom + x]! * share;
}

function blendColumns(row: Float64Array, { low, high, fraction }: BilinearTaps, out: Float32Array, at: number): void {
  for (let x = 0; x < low.length; x++) {
    const share = fraction[x]!;
    out[at + x] = row[low[x]!]! * (1 - share) + row[high[x]!]! * share;
  }
}
