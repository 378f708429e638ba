/** What one image adds to every score, as whole numbers. */
import { InputError } from '../../errors.js';
import { ignoredLabel } from '../confusion.js';
import type { ImageCounts } from '../records.js';
import { boundaryRegions, boundaryWidth } from './boundary.js';

/** The form of two label maps. */
export interface CountOptions {
  /** Labels are below it. */
  readonly classes: number;
  readonly height: number;
  readonly width: number;
  /** What a pixel is labelled with that shall not count: 255. */
  readonly ignored?: number;
}

/**
 * Counts the pairs of true and predicted classes, and the boundary regions of each class, in time that goes with the
 * pixels alone. Ignored pixels count nowhere. Boundary regions are found first and ignored pixels taken out of them then,
 * as in the authors' evaluation of panoptic labels: to the truth an ignored pixel is an end of the class beside it, and a
 * prediction has its contours where it drew them, not along what is ignored.
 * @param truth class of each pixel, `height x width`, row by row, or `ignored`
 * @param predicted class of each pixel; at ignored ones anything
 * @throws InputError for maps of another size, or labels that are no class
 */
export function imageCounts(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  { classes, height, width, ignored = ignoredLabel }: CountOptions,
): ImageCounts {
  for (const [what, { length }] of [['labels', truth] as const, ['predictions', predicted] as const]) {
    if (length === height * width) continue;
    throw new InputError(
      `imageCounts: expected ${height} x ${width} = ${height * width} ${what}, one a pixel; got ${length}`,
    );
  }
  const present = presentClasses(truth, predicted, classes, ignored);
  const rank = new Int32Array(classes);
  for (const [place, label] of present.entries()) rank[label] = place;

  const reach = boundaryWidth(height, width);
  const trueEdge = boundaryRegions(truth, height, width, reach);
  const drawnEdge = boundaryRegions(predicted, height, width, reach);
  const size = present.length;
  const pixels = new Float64Array(size * size);
  const edges = { truth: new Float64Array(size), drawn: new Float64Array(size), both: new Float64Array(size) };
  for (let i = 0; i < height * width; i++) {
    if (truth[i] === ignored) continue;
    const [is, called] = [rank[truth[i]!]!, rank[predicted[i]!]!];
    pixels[is * size + called]!++;
    edges.truth[is]! += trueEdge[i]!;
    edges.drawn[called]! += drawnEdge[i]!;
    if (is === called) edges.both[is]! += trueEdge[i]! & drawnEdge[i]!;
  }

  const pairs: number[] = [];
  for (const [at, count] of pixels.entries()) {
    if (count > 0) pairs.push(present[Math.floor(at / size)]!, present[at % size]!, count);
  }
  const boundary = present.flatMap((label, at) => [
    label,
    edges.both[at]!,
    edges.truth[at]! + edges.drawn[at]! - edges.both[at]!,
  ]);
  return { pairs, boundary };
}

/** The classes that are there or were predicted, rising. */
function presentClasses(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
  ignored: number,
): number[] {
  const seen = new Uint8Array(classes);
  for (let i = 0; i < truth.length; i++) {
    const label = truth[i]!;
    if (label === ignored) continue;
    const guess = predicted[i]!;
    if (seen[label] === undefined || seen[guess] === undefined) {
      const [what, got] = seen[label] === undefined ? ['label', label] : ['prediction', guess];
      throw new InputError(
        `imageCounts: expected classes from 0 to ${classes - 1}, got ${got} as the ${what} of pixel ${i}`,
      );
    }
    seen[label] = 1;
    seen[guess] = 1;
  }
  return [...seen.keys()].filter(label => seen[label] === 1);
}
