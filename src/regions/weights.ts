/**
 * A region as a row of weights over the patches of a grid: its feature is their product with the grid's features, so
 * that any number of regions is one matrix product, with its gradient.
 */
import type { Grid } from '../attention/attention.js';
import { InputError } from '../errors.js';
import type { Box } from './boxes.js';

const { fround } = Math;

/**
 * What RoIAlign with one cell, aligned, with adaptive sampling (He et al. 2017, arXiv 1703.06870, as torchvision's
 * `roi_align` reckons) takes of each patch. It is a product of one row of weights down and one across.
 *
 * A box takes `ceil(length)` points a side, spread evenly; each is interpolated between two patches, and those further
 * than one patch outside the grid count as 0. A box without area, or far outside, gives zeros.
 *
 * @param box as shares of the grid's extent.
 * @param into `[rows * columns]` to write to; default a new array.
 * @throws InputError when a number is not finite, or `into` has another length.
 */
export function boxWeights(box: Box, { rows, columns }: Grid, into = new Float32Array(rows * columns)): Float32Array {
  checkLength('boxWeights', into, rows * columns);
  const { left, top, right, bottom } = box;
  if (![left, top, right, bottom].every(Number.isFinite)) {
    throw new InputError(`boxWeights: expected finite numbers, got [${[left, top, right, bottom].join(', ')}]`);
  }
  const down = axisWeights(top, bottom, rows);
  const across = axisWeights(left, right, columns);
  for (let y = 0, i = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, i++) into[i] = down[y]! * across[x]!;
  }
  return into;
}

/** The share of each of `cells` patches in the mean of a side's points. */
function axisWeights(from: number, to: number, cells: number): Float64Array {
  const weights = new Float64Array(cells);
  // Corners in float32, as published: whether a whole number of patches takes a point more hangs on it.
  const start = fround(fround(fround(from) * cells) - 0.5);
  const length = fround(fround(fround(fround(to) * cells) - 0.5) - start);
  const points = Math.ceil(length);
  if (points <= 0) return weights;
  const step = length / points;
  for (let i = Math.max(0, Math.floor((-1 - start) / step) - 1); i < points; i++) {
    const at = start + (i + 0.5) * step;
    if (at > cells) break;
    if (at < -1) continue;
    const clipped = Math.min(Math.max(at, 0), cells - 1);
    const low = Math.floor(clipped);
    const share = clipped - low;
    weights[low]! += (1 - share) / points;
    if (share > 0) weights[low + 1]! += share / points;
  }
  return weights;
}

/**
 * The mean over a mask: `m / (sum m + 1e-12)`. An empty mask gives zeros.
 *
 * @param mask `[rows * columns]`, 0 outside; anything between 0 and 1 is a share.
 * @param into of the same length, to write to; default a new array.
 * @throws InputError when a value is negative or not finite, or `into` has another length.
 */
export function maskWeights(mask: ArrayLike<number>, into = new Float32Array(mask.length)): Float32Array {
  checkLength('maskWeights', into, mask.length);
  let sum = 0;
  for (let i = 0; i < mask.length; i++) {
    const value = mask[i]!;
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new InputError(`maskWeights: expected finite values from 0 up, got ${value} at ${i}`);
    }
    sum += value;
  }
  for (let i = 0; i < mask.length; i++) into[i] = mask[i]! / (sum + 1e-12);
  return into;
}

function checkLength(name: string, into: Float32Array, length: number): void {
  if (into.length !== length) throw new InputError(`${name}: into: expected ${length} values, got ${into.length}`);
}
