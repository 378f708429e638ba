/** Where a region's own class stands among all, by its likeness to their names. */
import { InputError } from '../../errors.js';
import type { Vocabulary } from '../../segment/vocabulary.js';

/**
 * How many classes are more like a region than `label` is: 0 where it comes first. A class is as like as its likest
 * name; of two that are equally like, the first comes first.
 * @param likeness of each query, in any unit
 * @param against the classes that it is held against
 * @throws InputError when one is not finite
 */
export function rankOf(
  likeness: ArrayLike<number>,
  { classOfQuery, classes }: Pick<Vocabulary, 'classOfQuery' | 'classes'>,
  label: number,
  against: (label: number) => boolean = () => true,
): number {
  const best = new Float64Array(classes.length).fill(Number.NEGATIVE_INFINITY);
  for (let q = 0; q < likeness.length; q++) {
    const value = likeness[q]!;
    if (!Number.isFinite(value)) {
      throw new InputError('regions: the model gives features that are not finite; its weights are broken');
    }
    const c = classOfQuery[q]!;
    if (value > best[c]!) best[c] = value;
  }
  const own = best[label]!;
  let rank = 0;
  for (let c = 0; c < best.length; c++) {
    if (against(c) && (best[c]! > own || (best[c] === own && c < label))) rank++;
  }
  return rank;
}

/**
 * What a region is like, name by name, up to a factor: the cosine of its pooled feature is the same sum, over the length of
 * that feature. Undefined for a region without a patch, such as a mask that fell between them.
 * @param weights over the patches, as `boxWeights` and `maskWeights` give them
 * @param cosines of every patch, `[queries, patches]`
 */
export function pooledLikeness(weights: Float32Array, cosines: Float32Array): Float64Array | undefined {
  const patches = weights.length;
  const touched = [...weights.keys()].filter(p => weights[p] !== 0);
  if (touched.length === 0) return undefined;
  const likeness = new Float64Array(cosines.length / patches);
  for (let q = 0; q < likeness.length; q++) {
    let sum = 0;
    for (const p of touched) sum += weights[p]! * cosines[q * patches + p]!;
    likeness[q] = sum;
  }
  return likeness;
}
