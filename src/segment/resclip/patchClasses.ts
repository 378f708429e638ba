/** ResCLIP's first impression: the class that most pixels of each patch have. */
import type { Grid } from '../../attention/attention.js';
import { InputError } from '../../errors.js';
import type { Steps } from '../../turns.js';
import { resizePlanesSteps } from '../dense/bilinear.js';
import { type PamrOptions, pamrSteps } from '../dense/pamr.js';
import type { WindowPixels } from '../guide.js';

/** How cosines become classes of patches. */
export interface PatchClassOptions {
  /** Cosines are multiplied by this before the softmax. */
  readonly scale: number;
  /** Pixels whose best name has a smaller probability count as the first name. */
  readonly threshold: number;
  readonly pamr: PamrOptions;
}

/**
 * The index of the name that most pixels of each patch have: cosines stretched to the window's pixels, refined by PAMR,
 * softmax over the names, the best one. Names are not merged into classes. Of names with equally many pixels the first.
 *
 * @param cosines `[names, rows, columns]`.
 * @param patch side of a patch in pixels; pixels beyond the grid are left out.
 * @returns `[rows, columns]`.
 * @throws InputError when the cosines are not whole maps of the grid, or the window is smaller than the grid.
 */
export function* patchClasses(
  cosines: Float32Array,
  { rows, columns }: Grid,
  window: WindowPixels,
  patch: number,
  options: PatchClassOptions,
): Steps<Int32Array> {
  const { values: pixels, height, width } = window;
  const names = cosines.length / (rows * columns);
  if (!Number.isInteger(names) || names < 1) {
    throw new InputError(`patchClasses: expected maps of ${rows} x ${columns} cosines, got ${cosines.length} values`);
  }
  if (height < rows * patch || width < columns * patch) {
    const least = `${rows * patch} x ${columns * patch}`;
    throw new InputError(`patchClasses: expected a window of at least ${least} pixels, got ${height} x ${width}`);
  }
  const planes = yield* resizePlanesSteps(cosines, names, [rows, columns], [height, width]);
  const mask = { planes, classes: names, height, width };
  const refined = yield* pamrSteps({ pixels, height, width }, mask, options.pamr);
  const best = bestNames(refined, names, height * width, options);
  const counts = new Int32Array(names);
  return Int32Array.from({ length: rows * columns }, (_, cell) => {
    counts.fill(0);
    const [top, left] = [Math.floor(cell / columns) * patch, (cell % columns) * patch];
    for (let y = top; y < top + patch; y++) {
      for (let x = left; x < left + patch; x++) counts[best[y * width + x]!]!++;
    }
    return counts.reduce((best, count, name) => (count > counts[best]! ? name : best), 0);
  });
}

/** The best name of every pixel, or the first where its probability is below the threshold. */
function bestNames(
  planes: Float32Array,
  names: number,
  size: number,
  { scale, threshold }: PatchClassOptions,
): Int32Array {
  const best = new Int32Array(size);
  const most = planes.slice(0, size);
  for (let name = 1; name < names; name++) {
    for (let i = 0; i < size; i++) {
      const value = planes[name * size + i]!;
      if (value > most[i]!) {
        most[i] = value;
        best[i] = name;
      }
    }
  }
  const sums = new Float32Array(size);
  for (let name = 0; name < names; name++) {
    for (let i = 0; i < size; i++) sums[i]! += Math.exp(scale * (planes[name * size + i]! - most[i]!));
  }
  for (let i = 0; i < size; i++) if (1 / sums[i]! < threshold) best[i] = 0;
  return best;
}
