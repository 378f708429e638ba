/**
 * Resampling of a grid as PyTorch's `interpolate` does it, written as two matrix products: the weights of an axis
 * depend only on sizes and mode, so they are computed once in double precision and the rest is what engines do best
 * (and what has a gradient everywhere).
 */
import { InputError } from '../../errors.js';
import { matMul, reshape, type Tensor2D, type Tensor3D, tensor2d, transpose } from '../tfjs.js';

export interface ResizeMode {
  kernel: 'bilinear' | 'bicubic';
  /** Widen the kernel when shrinking, as Pillow does; cubic coefficient -0.5 instead of -0.75. */
  antialias?: boolean;
  /** First and last samples of both grids coincide. */
  alignCorners?: boolean;
  /**
   * Output per input cell, per axis, used as given in the coordinate map (PyTorch's `scale_factor` without
   * recomputation); default: the ratio of the sizes.
   */
  scale?: readonly [rows: number, columns: number];
}

/** Convolution kernel of Keys (1981) with free parameter `a`. */
function cubic(x: number, a: number): number {
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}

const triangle = (x: number) => Math.max(0, 1 - Math.abs(x));

/**
 * Interpolation weights along one axis as a dense row-major `[outputs, inputs]` matrix; every row adds up to 1.
 * Formulas: PyTorch, `aten/src/ATen/native/UpSample.h` and the antialiased kernels beside it.
 */
export function resizeWeights(inputs: number, outputs: number, mode: ResizeMode, scale?: number): Float32Array {
  const weights = new Float32Array(outputs * inputs);
  const corners = mode.alignCorners === true;
  const step = corners ? (outputs > 1 ? (inputs - 1) / (outputs - 1) : 0) : scale ? 1 / scale : inputs / outputs;
  const row = mode.antialias ? antialiasedRow : interpolatedRow;
  for (let o = 0; o < outputs; o++) row(weights.subarray(o * inputs, (o + 1) * inputs), o, step, mode.kernel, corners);
  return weights;
}

function interpolatedRow(row: Float32Array, o: number, step: number, kernel: ResizeMode['kernel'], corners: boolean) {
  const last = row.length - 1;
  let x = corners ? o * step : (o + 0.5) * step - 0.5;
  if (kernel === 'bilinear' && x < 0) x = 0;
  const base = Math.floor(x);
  const [from, to] = kernel === 'bilinear' ? [0, 1] : [-1, 2];
  for (let tap = from; tap <= to; tap++) {
    const at = Math.min(Math.max(base + tap, 0), last);
    const distance = x - (base + tap);
    row[at]! += kernel === 'bilinear' ? triangle(distance) : cubic(distance, -0.75);
  }
}

function antialiasedRow(row: Float32Array, o: number, step: number, kernel: ResizeMode['kernel']) {
  const widening = Math.max(step, 1);
  const support = (kernel === 'bilinear' ? 1 : 2) * widening;
  const centre = step * (o + 0.5);
  const first = Math.max(Math.trunc(centre - support + 0.5), 0);
  const end = Math.min(Math.trunc(centre + support + 0.5), row.length);
  let total = 0;
  for (let at = first; at < end; at++) {
    const distance = (at - centre + 0.5) / widening;
    total += row[at] = kernel === 'bilinear' ? triangle(distance) : cubic(distance, -0.5);
  }
  for (let at = first; at < end; at++) row[at]! /= total;
}

/**
 * Resizes the first two axes of a grid: `[rows, columns, channels] -> [height, width, channels]`.
 *
 * @throws InputError when a target size is not a positive whole number.
 */
export function resize(grid: Tensor3D, height: number, width: number, mode: ResizeMode): Tensor3D {
  if (![height, width].every(size => Number.isInteger(size) && size > 0)) {
    throw new InputError(`resize: expected a positive whole height and width, got ${height} x ${width}`);
  }
  const [rows, columns, channels] = grid.shape;
  const down = tensor2d(resizeWeights(rows, height, mode, mode.scale?.[0]), [height, rows]);
  const across = tensor2d(resizeWeights(columns, width, mode, mode.scale?.[1]), [width, columns]);
  const tall = matMul(down, reshape<Tensor2D>(grid, [rows, columns * channels])); // [height, columns * channels]
  const turned = transpose(reshape<Tensor3D>(tall, [height, columns, channels]), [1, 0, 2]);
  const wide = matMul(across, reshape<Tensor2D>(turned, [columns, height * channels])); // [width, height * channels]
  return transpose(reshape<Tensor3D>(wide, [width, height, channels]), [1, 0, 2]);
}
