/** SC-CLIP's anomalous patches (Bai et al. 2024, SuleBai/SC-CLIP): which they are, and what takes their place. */
import type { Grid } from '../../attention/attention.js';
import { InputError } from '../../errors.js';
import { checkWhole } from '../dense/checks.js';

/** Distances below this count as this, so that patches which are all the same give no division by 0. */
const leastDistance = 1e-12;

/**
 * Local outlier factors. With `d_i` the squared distance of point i to its k-th neighbour, the score is the mean of
 * `d_i / d_j` over its k nearest neighbours j: what the published reachability comes down to. With no more points than
 * `neighbours`, all other points are neighbours.
 *
 * @param distances squared, `[points, points]`.
 * @throws InputError when the distances are not a square of them, or for less than one neighbour.
 */
export function localOutlierFactors(distances: Float32Array, points: number, neighbours: number): Float64Array {
  checkWhole(points, 'localOutlierFactors: points', 1);
  checkWhole(neighbours, 'localOutlierFactors: neighbours', 1);
  if (distances.length !== points * points) {
    throw new InputError(`localOutlierFactors: expected ${points} x ${points} distances, got ${distances.length}`);
  }
  const k = Math.min(neighbours, points - 1);
  const nearest = new Int32Array(points * k);
  const reach = new Float64Array(points);
  for (let i = 0; i < points; i++) {
    const row = distances.subarray(i * points, (i + 1) * points);
    const order = Int32Array.from({ length: points }, (_, j) => j).sort((a, b) => row[a]! - row[b]! || a - b);
    // As published, the first in order is left out as the point itself.
    nearest.set(order.subarray(1, k + 1), i * k);
    reach[i] = Math.max(row[order[k]!]!, leastDistance);
  }
  const scores = new Float64Array(points);
  for (let i = 0; i < points; i++) {
    for (let n = i * k; n < (i + 1) * k; n++) scores[i]! += reach[i]! / reach[nearest[n]!]! / k;
  }
  return scores;
}

/** The value below which the share `q` of all values lies, linearly interpolated. */
export function quantile(values: Float64Array, q: number): number {
  const sorted = values.slice().sort();
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.ceil(place);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (place - below);
}

/** Points whose score lies above the quantile `1 - contamination` of all scores. */
export function outliersOf(scores: Float64Array, contamination: number): number[] {
  const threshold = quantile(scores, 1 - contamination);
  return [...scores.keys()].filter(i => scores[i]! > threshold);
}

/**
 * A matrix that, multiplied with patches, leaves them as they are but for outliers, which become the mean of those of
 * their up to eight neighbours that are none; one with no such neighbour stays.
 * @returns `[patches, patches]`.
 * @throws InputError for an outlier outside the grid.
 */
export function repairMatrix({ rows, columns }: Grid, outliers: readonly number[]): Float32Array {
  const n = rows * columns;
  const stray = outliers.find(i => !(Number.isInteger(i) && i >= 0 && i < n));
  if (stray !== undefined) throw new InputError(`repairMatrix: patch ${stray} is not one of ${rows} x ${columns}`);
  const broken = new Set(outliers);
  const matrix = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    const whole = broken.has(i) ? ring(i, rows, columns).filter(j => !broken.has(j)) : [];
    if (whole.length === 0) matrix[i * n + i] = 1;
    for (const j of whole) matrix[i * n + j] = 1 / whole.length;
  }
  return matrix;
}

/** The neighbours of a patch on the grid, diagonal ones too. */
function ring(patch: number, rows: number, columns: number): number[] {
  const [row, column] = [Math.floor(patch / columns), patch % columns];
  const found: number[] = [];
  for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, rows - 1); y++) {
    for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, columns - 1); x++) {
      if (y !== row || x !== column) found.push(y * columns + x);
    }
  }
  return found;
}
