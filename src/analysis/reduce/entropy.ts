/** Of each token, parts of a softmax about its own largest value; see `gauges.evenness`. */
export interface EvennessParts {
  readonly largest: ArrayLike<number>;
  readonly total: ArrayLike<number>;
  readonly weighted: ArrayLike<number>;
}

/**
 * The entropy of values taken as one distribution: with `p = softmax(values)` over all of them, `H = -sum(p log p) /
 * log(count)`, from 0 (one value rules) to 1 (all are equal). In doubles, about the largest value m of all:
 * `H = (log Z - sum(p (x - m))) / log(count)`.
 * @param count of all values
 */
export function entropyOf({ largest, total, weighted }: EvennessParts, count: number): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < largest.length; i++) top = Math.max(top, largest[i]!);
  let [z, sum] = [0, 0];
  for (let i = 0; i < largest.length; i++) {
    const below = largest[i]! - top;
    const scale = Math.exp(below);
    z += scale * total[i]!;
    sum += scale * (weighted[i]! + below * total[i]!);
  }
  return (Math.log(z) - sum / z) / Math.log(count);
}
