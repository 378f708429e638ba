import type { Grid } from '../../attention/attention.js';

/** Euclidean distances between the centres of a grid's patches, in patches, `[n, n]`. */
export function patchDistances({ rows, columns }: Grid): Float64Array {
  const n = rows * columns;
  const distances = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const down = Math.floor(i / columns) - Math.floor(j / columns);
      distances[i * n + j] = Math.hypot(down, (i % columns) - (j % columns));
    }
  }
  return distances;
}
