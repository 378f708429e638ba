/** How often pixels of each class were taken for each class: whole numbers, so that parts of a data set add up exactly. */
import { InputError } from '../errors.js';

/** Counts of pixels. */
export interface Confusion {
  readonly classes: number;
  /** Pixels of class `t` that were taken for class `p`, at `t * classes + p`. */
  readonly counts: Float64Array;
}

/** Counts of nothing yet. */
export const emptyConfusion = (classes: number): Confusion => ({
  classes,
  counts: new Float64Array(classes * classes),
});

/** What a pixel is labelled with that shall not count. */
export const ignoredLabel = 255;

/**
 * Adds the pixels of one picture.
 * @param truth class of each pixel, or `ignored`
 * @throws InputError when the two differ in length, or a label is no class
 */
export function countPixels(
  { classes, counts }: Confusion,
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  ignored = ignoredLabel,
): void {
  if (truth.length !== predicted.length) {
    throw new InputError(`confusion: ${truth.length} pixels have a label, ${predicted.length} a prediction`);
  }
  for (let i = 0; i < truth.length; i++) {
    const label = truth[i]!;
    if (label === ignored) continue;
    const guess = predicted[i]!;
    if (!(label < classes && guess < classes)) {
      const [what, got] = label < classes ? ['prediction', guess] : ['label', label];
      throw new InputError(
        `confusion: expected classes from 0 to ${classes - 1}, got ${got} as the ${what} of pixel ${i}`,
      );
    }
    counts[label * classes + guess]!++;
  }
}

/** What one class scored; NaN where there was nothing to score. */
export interface ClassScore {
  /** Pixels that are and were called it, over those that are or were called it. */
  readonly iou: number;
  /** Share of its pixels that were called it. */
  readonly accuracy: number;
}

/** Scores as mmsegmentation's `IoUMetric` defines them, from 0 to 1. */
export interface Scores {
  /** Mean of the classes' IoU, classes left out that neither are there nor were called. */
  readonly mIoU: number;
  /** Mean of the classes' accuracy, classes left out that are not there. */
  readonly mAcc: number;
  /** Share of all pixels that were called what they are. */
  readonly aAcc: number;
  readonly perClass: readonly ClassScore[];
}

/** Scores from counts. */
export function scoresOf({ classes, counts }: Confusion): Scores {
  const [are, called] = [new Float64Array(classes), new Float64Array(classes)];
  for (let t = 0, i = 0; t < classes; t++) {
    for (let p = 0; p < classes; p++, i++) {
      are[t]! += counts[i]!;
      called[p]! += counts[i]!;
    }
  }
  const right = (c: number) => counts[c * classes + c]!;
  const perClass = Array.from({ length: classes }, (_, c) => ({
    iou: right(c) / (are[c]! + called[c]! - right(c)),
    accuracy: right(c) / are[c]!,
  }));
  const all = are.reduce((a, b) => a + b, 0);
  return {
    mIoU: meanOf(perClass.map(({ iou }) => iou)),
    mAcc: meanOf(perClass.map(({ accuracy }) => accuracy)),
    aAcc: perClass.reduce((sum, _, c) => sum + right(c), 0) / all,
    perClass,
  };
}

/** Of those that are numbers. */
function meanOf(values: readonly number[]): number {
  const known = values.filter(value => !Number.isNaN(value));
  return known.reduce((a, b) => a + b, 0) / known.length;
}
