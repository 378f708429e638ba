/** Mean class accuracy: the share of a class's regions that are named rightly, averaged over the classes there are. */
import { fromFloat32, toFloat32 } from '../../files/dtype.js';
import type { Score } from '../table.js';

/** Regions of each class, and how many of them had the class first, and among the first five. */
export interface ClassHits {
  readonly regions: Uint32Array;
  readonly first: Uint32Array;
  readonly five: Uint32Array;
}

/** How regions of some classes are named; null where there is no such region. */
export interface RegionScores {
  /** Mean over classes of the share with the class first. */
  readonly macc1: Score;
  /** The same for the class among the first five. */
  readonly macc5: Score;
  /** Share of all regions, whatever their class, with the class first. */
  readonly top1: Score;
  readonly top5: Score;
}

/** Counts for `classes` classes, all zero. */
export const noHits = (classes: number): ClassHits => ({
  regions: new Uint32Array(classes),
  first: new Uint32Array(classes),
  five: new Uint32Array(classes),
});

/**
 * Counts one region of class `label`.
 * @param rank classes that are more like the region than its own
 */
export function countRegion({ regions, first, five }: ClassHits, label: number, rank: number): void {
  regions[label]!++;
  if (rank < 1) first[label]!++;
  if (rank < 5) five[label]!++;
}

export interface ClassAccuracyOptions {
  /**
   * `half` rounds the share of each class to float16 before they are averaged, as the published code of CLIPSelf does
   * (`training/zero_shot.py`), which moves the mean by about 1e-4.
   */
  readonly rounding?: 'none' | 'half';
}

/** The scores of those classes that `counts` says; a class without regions is in no mean. */
export function classAccuracy(
  { regions, first, five }: ClassHits,
  counts: (label: number) => boolean,
  { rounding = 'none' }: ClassAccuracyOptions = {},
): RegionScores {
  const there = [...regions.keys()].filter(label => regions[label]! > 0 && counts(label));
  if (there.length === 0) return { macc1: null, macc5: null, top1: null, top5: null };
  const sum = (hits: Uint32Array) => there.reduce((total, label) => total + hits[label]!, 0);
  const mean = (hits: Uint32Array) => {
    const shares = Float64Array.from(there, label => hits[label]! / regions[label]!);
    if (rounding === 'half') shares.set(toFloat32('F16', fromFloat32('F16', Float32Array.from(shares))));
    return shares.reduce((total, share) => total + share) / there.length;
  };
  return { macc1: mean(first), macc5: mean(five), top1: sum(first) / sum(regions), top5: sum(five) / sum(regions) };
}
