/**
 * The two passes for 16-bit grey: plain double sums, rounded half away from zero and clamped to 0..65535 each time. The
 * Hamming and Lanczos weights depend on the last bit of `Math.sin`, so a sum that falls on a half may round the other way
 * than in Pillow, by one of 65,536 levels.
 */
import type { Steps } from '../../turns.js';
import type { Taps } from './filters.js';

function round16(sum: number): number {
  return Math.min(Math.max(Math.trunc(sum >= 0 ? sum + 0.5 : sum - 0.5), 0), 65535);
}

/** Resamples `rows` rows along their width; row `y` begins at `y * stride`. @returns `[rows, outputs]` */
export function* horizontalPass16(source: Uint16Array, stride: number, rows: number, taps: Taps): Steps<Uint16Array> {
  const { first, end, weights } = taps;
  const target = new Uint16Array(rows * first.length);
  for (let row = 0, o = 0; row < rows; row++) {
    for (let output = 0; output < first.length; output++) {
      let sum = 0;
      const shift = output * taps.stride - first[output]!;
      for (let x = first[output]!; x < end[output]!; x++) sum += source[row * stride + x]! * weights[shift + x]!;
      target[o++] = round16(sum);
    }
    yield;
  }
  return target;
}

/** Resamples down the columns; row `y` is the `length` values from `y * stride` on. @returns `[outputs, length]` */
export function* verticalPass16(source: Uint16Array, stride: number, length: number, taps: Taps): Steps<Uint16Array> {
  const { first, end, weights } = taps;
  const target = new Uint16Array(first.length * length);
  const sums = new Float64Array(length);
  for (let output = 0; output < first.length; output++) {
    sums.fill(0);
    const shift = output * taps.stride - first[output]!;
    for (let y = first[output]!; y < end[output]!; y++) {
      const weight = weights[shift + y]!;
      for (let x = 0; x < length; x++) sums[x]! += source[y * stride + x]! * weight;
    }
    for (let x = 0; x < length; x++) target[output * length + x] = round16(sums[x]!);
    yield;
  }
  return target;
}
