/** Which images are worth looking at. */
import { meanOf, perClassOf, ratiosOf } from '../metrics/ratios.js';
import type { ImageRecord } from '../records.js';
import type { Score } from '../table.js';

/** An image that stands out. */
export interface NotableImage {
  readonly id: string;
  /** Its place among the records. */
  readonly index: number;
  /** By the mean of all methods' scores, or by how far those lie apart. */
  readonly why: 'best' | 'worst' | 'differ';
  /** By method, the mean IoU over the classes that are in it or were predicted. */
  readonly scores: readonly Score[];
}

/**
 * The images that methods did best on, worst on, and most unequally; an image is named once, the first of equals.
 * @param each how many of each kind
 */
export function notableImages(records: readonly ImageRecord[], classes: number, each = 3): NotableImage[] {
  const scored = records
    .map((record, index) => ({ id: record.id, index, scores: scoresOf(record, classes) }))
    .filter(({ scores }) => scores.length > 0 && scores.every(score => !Number.isNaN(score)));
  const mean = (scores: readonly number[]) => scores.reduce((a, b) => a + b, 0) / scores.length;
  const ranks = {
    differ: (scores: readonly number[]) => Math.max(...scores) - Math.min(...scores),
    best: mean,
    worst: (scores: readonly number[]) => -mean(scores),
  };
  const taken = new Set<number>();
  return (['differ', 'best', 'worst'] as const).flatMap(why => {
    if (why === 'differ' && (records.find(({ methods }) => methods.length > 0)?.methods.length ?? 0) < 2) return [];
    const first = scored
      .filter(({ index }) => !taken.has(index))
      .sort((a, b) => ranks[why](b.scores) - ranks[why](a.scores) || a.index - b.index)
      .slice(0, each);
    for (const { index } of first) taken.add(index);
    return first.map(image => ({ ...image, why }));
  });
}

const scoresOf = (record: ImageRecord, classes: number): number[] =>
  record.methods.map((_, method) => meanOf(perClassOf(ratiosOf([record], method, classes, 'mIoU'))));
