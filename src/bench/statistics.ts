/** What measurements and outputs are summed up by. */

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of the rounds' own ratios: what slows a whole round down cancels. */
export const medianRatio = (ours: readonly number[], peer: readonly number[]): number =>
  median(ours.map((time, round) => time / peer[round]!));

/** The largest |a - b| over the largest |b|; infinite when lengths differ or a value is not a number. */
export function relativeDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(b[i]!));
  }
  return worst === 0 ? 0 : worst / largest;
}

/** The least cosine of the rows of two matrices of `width` columns. */
export function leastCosine(a: Float32Array, b: Float32Array, width: number): number {
  let least = 1;
  for (let start = 0; start < b.length; start += width) {
    let [dot, aa, bb] = [0, 0, 0];
    for (let i = start; i < start + width; i++) {
      dot += a[i]! * b[i]!;
      aa += a[i]! ** 2;
      bb += b[i]! ** 2;
    }
    least = Math.min(least, dot / Math.sqrt(aa * bb));
  }
  return least;
}

/** The rows of a matrix of `width` columns, each at unit length. */
export function unitRows(values: Float32Array, width: number): Float32Array {
  const rows = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    const row = values.subarray(start, start + width);
    const length = Math.sqrt(row.reduce((total, value) => total + value * value, 0));
    row.forEach((value, i) => {
      rows[start + i] = value / length;
    });
  }
  return rows;
}

/** The share of rows whose dot product with the same one of `classes` is the largest; all matrices have `width` columns. */
export function argmaxAgreement(a: Float32Array, b: Float32Array, classes: Float32Array, width: number): number {
  const best = (rows: Float32Array, start: number): number => {
    let [most, which] = [Number.NEGATIVE_INFINITY, 0];
    for (let at = 0; at < classes.length; at += width) {
      let dot = 0;
      for (let i = 0; i < width; i++) dot += rows[start + i]! * classes[at + i]!;
      if (dot > most) [most, which] = [dot, at];
    }
    return which;
  };
  let same = 0;
  for (let start = 0; start < b.length; start += width) if (best(a, start) === best(b, start)) same++;
  return (same * width) / b.length;
}

/** The share of values that are the same in both, of those from `start` to `end`. */
export function sameShare(a: Float32Array, b: Float32Array, start = 0, end = b.length): number {
  let same = 0;
  for (let i = start; i < end; i++) if (a[i] === b[i]) same++;
  return same / (end - start);
}
