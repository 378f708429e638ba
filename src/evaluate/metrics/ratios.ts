/** Scores as means of ratios, above and below which stand whole numbers that add up over images. */
import { InputError } from '../../errors.js';
import { type Confusion, emptyConfusion } from '../confusion.js';
import type { ImageRecord } from '../records.js';

/** What a method is scored by; each from 0 to 1. */
export type Measure = 'mIoU' | 'mAcc' | 'aAcc' | 'boundaryIoU';

/** What stands above and below the line of each class's ratio, for each image that was evaluated. */
export interface Ratios {
  readonly classes: number;
  /** Where each image's entries begin, and the end of the last. */
  readonly starts: Int32Array;
  /** The class of each entry. */
  readonly labels: Int32Array;
  readonly above: Float64Array;
  readonly below: Float64Array;
}

/**
 * The ratios that `measure` is the mean of: intersection over union, of pixels or of boundary regions; right pixels over
 * those of the class; or, as of one single class, right pixels over all.
 * @param method index among the records' methods; images that could not be evaluated are left out
 * @throws InputError when a record holds a class outside the list
 */
export function ratiosOf(records: Iterable<ImageRecord>, method: number, classes: number, measure: Measure): Ratios {
  const starts = [0];
  const entries: Entry[] = [];
  for (const record of records) {
    if (!record.methods[method]) continue;
    entries.push(...entriesOf(record, method, classes, measure));
    starts.push(entries.length);
  }
  return {
    classes: measure === 'aAcc' ? 1 : classes,
    starts: Int32Array.from(starts),
    labels: Int32Array.from(entries, ([label]) => label),
    above: Float64Array.from(entries, ([, above]) => above),
    below: Float64Array.from(entries, ([, , below]) => below),
  };
}

type Entry = readonly [label: number, above: number, below: number];

function entriesOf(record: ImageRecord, method: number, classes: number, measure: Measure): readonly Entry[] {
  if (measure === 'boundaryIoU') {
    const entries = triples(record, record.methods[method]!.boundary);
    for (const [label] of entries) refuseUnknown(record, label, classes);
    return entries;
  }
  const [right, are, called] = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()];
  const add = (sums: Map<number, number>, label: number, pixels: number) =>
    sums.set(label, (sums.get(label) ?? 0) + pixels);
  for (const [is, guess, pixels] of pairsOf(record, method, classes)) {
    add(are, is, pixels);
    add(called, guess, pixels);
    if (is === guess) add(right, is, pixels);
  }
  const sum = (sums: ReadonlyMap<number, number>) => [...sums.values()].reduce((a, b) => a + b, 0);
  if (measure === 'aAcc') return [[0, sum(right), sum(are)]];
  return [...new Set([...are.keys(), ...called.keys()])].map(label => {
    const [hits, truth] = [right.get(label) ?? 0, are.get(label) ?? 0];
    return [label, hits, measure === 'mAcc' ? truth : truth + (called.get(label) ?? 0) - hits];
  });
}

/**
 * Adds up the counts of all images that were evaluated.
 * @param method index among the records' methods
 * @throws InputError when a record holds a class outside the list
 */
export function confusionOf(records: Iterable<ImageRecord>, method: number, classes: number): Confusion {
  const confusion = emptyConfusion(classes);
  for (const record of records) {
    if (!record.methods[method]) continue;
    for (const [is, called, pixels] of pairsOf(record, method, classes)) {
      confusion.counts[is * classes + called]! += pixels;
    }
  }
  return confusion;
}

function pairsOf(record: ImageRecord, method: number, classes: number): readonly Entry[] {
  const pairs = triples(record, record.methods[method]!.pairs);
  for (const [is, called] of pairs) {
    refuseUnknown(record, is, classes);
    refuseUnknown(record, called, classes);
  }
  return pairs;
}

function triples({ id }: ImageRecord, flat: readonly number[]): Entry[] {
  if (flat.length % 3 !== 0) throw new InputError(`image ${id}: expected counts in threes, got ${flat.length} numbers`);
  return Array.from({ length: flat.length / 3 }, (_, i) => [flat[3 * i]!, flat[3 * i + 1]!, flat[3 * i + 2]!]);
}

function refuseUnknown({ id }: ImageRecord, label: number, classes: number): void {
  if (Number.isInteger(label) && label >= 0 && label < classes) return;
  throw new InputError(`image ${id}: expected counts of classes from 0 to ${classes - 1}, got one of ${label}`);
}

/**
 * Each class's ratio over all images; NaN where nothing stands below the line.
 * @param times how often each image counts; once, when not given
 */
export function perClassOf(ratios: Ratios, times?: ArrayLike<number>): Float64Array {
  const { classes, starts, labels, above, below } = ratios;
  const [sums, wholes] = [new Float64Array(classes), new Float64Array(classes)];
  for (let image = 0; image + 1 < starts.length; image++) {
    const weight = times ? times[image]! : 1;
    if (weight === 0) continue;
    for (let i = starts[image]!; i < starts[image + 1]!; i++) {
      sums[labels[i]!]! += weight * above[i]!;
      wholes[labels[i]!]! += weight * below[i]!;
    }
  }
  return sums.map((sum, label) => sum / wholes[label]!);
}

/** Mean of those that are numbers; NaN where none is. */
export function meanOf(values: Float64Array): number {
  let [sum, count] = [0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  return sum / count;
}
