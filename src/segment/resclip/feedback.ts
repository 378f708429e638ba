/**
 * ResCLIP's semantic feedback (Yang et al., CVPR 2025, yvhangyang/ResCLIP): from the classes of patches to how much each
 * patch shall look at each other.
 */
import type { Grid } from '../../attention/attention.js';
import { InputError } from '../../errors.js';
import { checkWhole } from '../dense/checks.js';

export interface FeedbackOptions {
  /** Standard deviation of the smoothing, in patches. */
  readonly sigma: number;
  /** Whether patches of one class that a line through other classes parts count less, the farther apart the less. */
  readonly pathCheck: boolean;
}

/** Steps from patch to patch, diagonal ones counting as one. */
const stepsBetween = (a: number, b: number, columns: number): number =>
  Math.max(Math.abs(Math.floor(a / columns) - Math.floor(b / columns)), Math.abs((a % columns) - (b % columns)));

/**
 * Whether the line from each patch to each other stays in the class it starts from: `[patches, patches]`, 1 or 0.
 *
 * As published, the line is looked at in its first `steps / longest` part only, because the places to look at, `s /
 * longest` for s from 0 to `steps`, are those of the longest line of the grid; in float32, halves to even.
 *
 * @throws InputError when there is not one class a patch.
 */
export function clearPaths(classes: Int32Array, { rows, columns }: Grid): Uint8Array {
  const n = rows * columns;
  checkClasses('clearPaths', classes, n);
  const longest = Math.max(rows, columns) - 1;
  const t = places(longest);
  const clear = new Uint8Array(n * n);
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) {
      const steps = stepsBetween(a, b, columns);
      let s = 0;
      while (s <= steps && classes[cellOnLine(a, b, t[s]!, columns)] === classes[a]) s++;
      clear[a * n + b] = s > steps ? 1 : 0;
    }
  }
  return clear;
}

/** `0, 1/longest, …, 1` in float32, from both ends to the middle as PyTorch's `linspace` has them. */
function places(longest: number): Float32Array {
  const step = Math.fround(1 / Math.max(longest, 1));
  return Float32Array.from({ length: longest + 1 }, (_, i) => {
    return i < (longest + 1) / 2 ? step * i : 1 - Math.fround(step * (longest - i));
  });
}

/** The patch at `start (1 - t) + end t`. */
function cellOnLine(start: number, end: number, t: number, columns: number): number {
  const rest = Math.fround(1 - t);
  const at = (from: number, to: number) => roundHalfEven(Math.fround(Math.fround(from * rest) + Math.fround(to * t)));
  const row = at(Math.floor(start / columns), Math.floor(end / columns));
  return row * columns + at(start % columns, end % columns);
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/**
 * How much each patch shall look at each other: 1 for those of its class, else 0, less where no clear path leads there;
 * each row smoothed along the numbers of the patches, so that it runs on from the end of a row of patches to the next
 * one's start; rows add up to 1.
 *
 * @returns `[patches, patches]`.
 * @throws InputError when there is not one class a patch, or for a sigma that is not above 0.
 */
export function feedbackMatrix(
  classes: Int32Array,
  grid: Grid,
  options: FeedbackOptions,
  clear: Uint8Array | undefined = options.pathCheck ? clearPaths(classes, grid) : undefined,
): Float32Array {
  const n = grid.rows * grid.columns;
  checkClasses('feedbackMatrix', classes, n);
  const kernel = smoothing(n, options.sigma);
  const reach = (kernel.length - 1) / 2;
  const longest = Math.max(grid.rows, grid.columns) - 1;
  const matrix = new Float32Array(n * n);
  const row = new Float64Array(n);
  for (let a = 0; a < n; a++) {
    row.fill(0);
    let sum = 0;
    for (let b = 0; b < n; b++) {
      if (classes[a] !== classes[b]) continue;
      const parted = clear !== undefined && clear[a * n + b] === 0;
      const share = parted ? Math.exp(-stepsBetween(a, b, grid.columns) / longest) : 1;
      for (let to = Math.max(b - reach, 0); to <= Math.min(b + reach, n - 1); to++) {
        row[to]! += share * kernel[to - b + reach]!;
      }
    }
    for (let b = 0; b < n; b++) sum += row[b]!;
    for (let b = 0; b < n; b++) matrix[a * n + b] = row[b]! / (sum + 1e-8);
  }
  return matrix;
}

/** A Gaussian that adds up to 1: three deviations to each side, or as many places as there are patches, made odd. */
function smoothing(patches: number, sigma: number): Float64Array {
  if (!(sigma > 0 && Number.isFinite(sigma))) {
    throw new InputError(`feedbackMatrix: expected a sigma above 0 patches, got ${sigma}`);
  }
  const length = Math.min(patches, Math.floor(6 * sigma + 1));
  const reach = Math.floor(length / 2);
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)),
  );
  const sum = kernel.reduce((a, b) => a + b);
  return kernel.map(x => x / sum);
}

function checkClasses(where: string, classes: Int32Array, patches: number): void {
  checkWhole(patches, `${where}: patches`, 1);
  if (classes.length === patches) return;
  throw new InputError(`${where}: expected ${patches} classes, one a patch, got ${classes.length}`);
}
