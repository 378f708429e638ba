/**
 * From logits to class labels: softmax over all queries, the best synonym of each class, the two published thresholds.
 * Works a row of pixels at a time, so memory is that of the label map.
 */
import { InputError } from '../../errors.js';
import { atOnce, type Steps } from '../../turns.js';
import { checkWhole, largeArray } from './checks.js';
import type { DenseLogits } from './logits.js';

/** How logits become labels. */
export interface LabelOptions {
  /** Logits are multiplied by this before the softmax. */
  readonly scale: number;
  /** Class of each query, as a `Vocabulary` has it. */
  readonly classOfQuery: Int32Array;
  /** Number of classes. */
  readonly classes: number;
  /** Pixels whose best class has a smaller probability become background. Default 0: none. */
  readonly probThreshold?: number;
  /** Foreground classes with this share of the foreground pixels or less are dropped. Default 0: none. */
  readonly areaThreshold?: number;
  /**
   * The class that is background to both thresholds, default 0 as in the published code. `classes` itself stands for one
   * more label that no query has: the background of classes which are all things.
   */
  readonly background?: number;
  /** Also return the probability of the winning class at every pixel. */
  readonly probabilities?: boolean;
}

/** A class for every pixel. */
export interface LabelMap {
  readonly height: number;
  readonly width: number;
  /** Class indices `[height, width]`; 16 bits wide when there are more than 256 labels. */
  readonly labels: Uint8Array | Uint16Array;
  /** Pixels of each class, `[classes]`, or `[classes + 1]` with a background of its own. */
  readonly pixels: Uint32Array;
  /** Classes that the area threshold dropped. */
  readonly dropped: readonly number[];
  /** `[height, width]`: probability of the best class left, before `probThreshold`; only when asked for. */
  readonly probability?: Float32Array;
}

function checkOptions(dense: DenseLogits, options: LabelOptions): void {
  const { scale, classOfQuery, classes, probThreshold = 0, areaThreshold = 0, background = 0 } = options;
  checkWhole(classes, 'labels: classes', 1, 65_535);
  checkWhole(background, 'labels: background', 0, classes);
  if (!(scale > 0 && Number.isFinite(scale))) {
    throw new InputError(`labels: expected a logit scale above 0, got ${scale}`);
  }
  for (const [name, value] of Object.entries({ probThreshold, areaThreshold })) {
    if (!(value >= 0 && value <= 1)) throw new InputError(`labels: expected ${name} from 0 to 1, got ${value}`);
  }
  if (classOfQuery.length !== dense.queries) {
    throw new InputError(`labels: ${dense.queries} queries have logits, but ${classOfQuery.length} have a class`);
  }
  const stray = classOfQuery.findIndex(c => !(c >= 0 && c < classes));
  if (stray >= 0) throw new InputError(`labels: query ${stray} is of class ${classOfQuery[stray]}, of ${classes}`);
  const present = new Set(classOfQuery);
  if (present.size !== classes) {
    throw new InputError(`labels: ${classes} classes, but only ${present.size} have a query`);
  }
}

/**
 * The class of every pixel. Probabilities are `softmax(scale * logits)` over all queries, synonyms included; a class has
 * the probability of its best query. Then, as SCLIP does it: foreground classes whose share of the foreground pixels is
 * not above `areaThreshold` are dropped, the best of the rest wins (the earlier query on a tie), and where its
 * probability is below `probThreshold` the pixel becomes background.
 * @throws InputError for thresholds outside 0..1, a scale not above 0, or classes that do not fit the queries.
 */
export const labelMap = (dense: DenseLogits, options: LabelOptions): LabelMap => atOnce(labelSteps(dense, options));

/** `labelMap` in steps. */
export function* labelSteps(dense: DenseLogits, options: LabelOptions): Steps<LabelMap> {
  checkOptions(dense, options);
  const { queries, height, width } = dense;
  const { scale, classOfQuery, classes, probThreshold = 0, areaThreshold = 0, background = 0 } = options;
  const labelCount = Math.max(classes, background + 1);
  const labels = labelCount <= 256 ? new Uint8Array(height * width) : new Uint16Array(height * width);
  const probability = options.probabilities ? new Float32Array(height * width) : undefined;
  const isUnsure = probThreshold > 0 ? new Uint8Array(height * width) : undefined;
  const row = new Float32Array(width * queries);

  /** Labels the pixels of row `y` that `wanted` accepts, with the queries that `allowed` lists. */
  const labelRow = (y: number, allowed: Int32Array, wanted: (label: number) => boolean): void => {
    dense.row(y, row);
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      if (!wanted(labels[pixel]!)) continue;
      const at = x * queries;
      const best = allowed.length === queries ? largest(row, at, queries) : largestOf(row, at, allowed);
      const label = best < 0 ? background : classOfQuery[best]!;
      labels[pixel] = label;
      if (probability) probability[pixel] = best < 0 ? 0 : softmaxAt(row, at, queries, best, scale);
      if (isUnsure) {
        const sure = label === background || reaches(probThreshold, row, at, queries, best, scale);
        isUnsure[pixel] = sure ? 0 : 1;
      }
    }
  };

  const all = Int32Array.from({ length: queries }, (_, q) => q);
  for (let y = 0; y < height; y++) {
    labelRow(y, all, () => true);
    yield;
  }

  const dropped = areaThreshold > 0 ? smallClasses(countLabels(labels, labelCount), areaThreshold, background) : [];
  if (dropped.length > 0) {
    // Only pixels that a dropped class had won can change.
    const isDropped = new Uint8Array(labelCount);
    for (const c of dropped) isDropped[c] = 1;
    const left = all.filter(q => isDropped[classOfQuery[q]!] === 0);
    for (let y = 0; y < height; y++) {
      const touched = labels.subarray(y * width, (y + 1) * width).some(label => isDropped[label] === 1);
      if (touched) labelRow(y, left, label => isDropped[label] === 1);
      yield;
    }
  }

  yield;
  if (isUnsure) {
    for (let i = 0; i < labels.length; i++) if (isUnsure[i]) labels[i] = background;
  }
  yield;
  const pixels = countLabels(labels, labelCount);
  return { height, width, labels, pixels, dropped, ...(options.probabilities && probability ? { probability } : {}) };
}

/** The first query of the largest logit; -1 when all are minus infinity. */
function largest(logits: Float32Array, at: number, queries: number): number {
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (let q = 0; q < queries; q++) {
    const value = logits[at + q]!;
    if (value > most) {
      most = value;
      best = q;
    }
  }
  return best;
}

/** The same among some of the queries. */
function largestOf(logits: Float32Array, at: number, allowed: Int32Array): number {
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < allowed.length; i++) {
    const value = logits[at + allowed[i]!]!;
    if (value > most) {
      most = value;
      best = allowed[i]!;
    }
  }
  return best;
}

/** Probability of one query: softmax of `scale * logits` over all of them. */
function softmaxAt(logits: Float32Array, at: number, queries: number, query: number, scale: number): number {
  const own = logits[at + query]!;
  let sum = 0;
  for (let i = at; i < at + queries; i++) sum += Math.exp(scale * (logits[i]! - own));
  return 1 / sum;
}

/** Steps of the table below to one unit of the exponent. */
const steps = 64;
const lowest = 32;
/** `exp(-i / steps)`; what follows the last entry counts as 0. */
const powers = Float64Array.from({ length: steps * lowest + 1 }, (_, i) => Math.exp(-i / steps));

/**
 * Whether `softmaxAt`, rounded to float32, is at least `threshold`. Exponentials are what labels spend their time on: a
 * table of them, rounded down to its steps, bounds their sum from above and, a step further, from below; only where the
 * threshold lies between the two are they worked out.
 */
function reaches(
  threshold: number,
  logits: Float32Array,
  at: number,
  queries: number,
  query: number,
  scale: number,
): boolean {
  const exactly = () => Math.fround(softmaxAt(logits, at, queries, query, scale)) >= threshold;
  const own = logits[at + query]!;
  const factor = -steps * scale;
  let sum = 0;
  for (let i = at; i < at + queries; i++) {
    const step = factor * (logits[i]! - own);
    // A larger logit, of a class that was dropped.
    if (!(step >= 0)) return exactly();
    if (step < steps * lowest) sum += powers[step | 0]!;
  }
  if (sum + queries * powers[steps * lowest]! < (1 - 1e-6) / threshold) return true;
  if (sum * powers[1]! > (1 + 1e-6) / threshold) return false;
  return exactly();
}

/** Pixels of each label. */
function countLabels(labels: Uint8Array | Uint16Array, labelCount: number): Uint32Array {
  const counts = new Uint32Array(labelCount);
  for (let i = 0; i < labels.length; i++) counts[labels[i]!]!++;
  return counts;
}

/** Foreground classes whose share of all foreground pixels is at most `threshold`, absent ones included. */
function smallClasses(counts: Uint32Array, threshold: number, background: number): number[] {
  const foreground = counts.reduce((a, b) => a + b) - counts[background]!;
  return Array.from(counts.keys()).filter(c => c !== background && counts[c]! <= threshold * foreground);
}

/**
 * Probability of every class at every pixel, `[classes, height, width]`: softmax over the queries, best synonym of each
 * class, classes in `dropped` at 0. With synonyms they add up to less than 1.
 * @throws InputError as `labelMap`, and when the result would pass 2 GiB.
 */
export function classProbabilities(
  dense: DenseLogits,
  options: Pick<LabelOptions, 'scale' | 'classOfQuery' | 'classes'>,
  dropped: readonly number[] = [],
): Float32Array {
  checkOptions(dense, options);
  const { queries, height, width } = dense;
  const { scale, classOfQuery, classes } = options;
  const plane = height * width;
  const out = largeArray(classes * plane, 'classProbabilities', 'ask for labelMap instead');
  const row = new Float32Array(width * queries);
  for (let y = 0; y < height; y++) {
    dense.row(y, row);
    for (let x = 0; x < width; x++) {
      const at = x * queries;
      let most = Number.NEGATIVE_INFINITY;
      for (let q = 0; q < queries; q++) most = Math.max(most, row[at + q]!);
      let sum = 0;
      for (let q = 0; q < queries; q++) {
        const value = Math.exp(scale * (row[at + q]! - most));
        sum += value;
        row[at + q] = value;
      }
      for (let q = 0; q < queries; q++) {
        const to = classOfQuery[q]! * plane + y * width + x;
        out[to] = Math.max(out[to]!, row[at + q]! / sum);
      }
    }
  }
  for (const c of dropped) out.fill(0, c * plane, (c + 1) * plane);
  return out;
}
