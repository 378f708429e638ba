/** Intermediates as heat maps: what a reader can see at a glance. */
import { join } from 'node:path';
import type { Grid } from '../attention/attention.js';
import { InputError } from '../errors.js';
import { gridPicture, type Panel } from '../image/drawing/grid.js';
import { heatmap } from '../image/drawing/heatmap.js';
import { writePicture } from '../image/encode.js';

/** An intermediate's values with what is said of them. */
export interface SeenPoint {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Maps drawn for one point at the most; a batch or a wide head count beyond it is cut. */
const mostPanels = 64;

/**
 * Writes a PNG a point to a folder that exists: attention patterns as the class token's row over the patches, head by
 * head (of a text: the whole matrix); token vectors as their lengths over the patches (of a text: as one row). Points
 * without tokens (pooled, embedding) have no picture.
 *
 * @returns the files written
 * @throws InputError when the folder is missing or read-only.
 */
export async function writePointPictures(
  folder: string,
  points: readonly SeenPoint[],
  grid: Grid | undefined,
): Promise<string[]> {
  const drawn = points.flatMap(point => {
    const panels = panelsOf(point, grid).slice(0, mostPanels);
    return panels.length > 0 ? [{ path: join(folder, `${point.name}.png`), panels }] : [];
  });
  if (drawn.length === 0)
    throw new InputError('--pictures: none of the points has tokens to draw; ask for others with --see');
  for (const { path, panels } of drawn) await writePicture(path, gridPicture(panels));
  return drawn.map(({ path }) => path);
}

function panelsOf({ name, shape, values }: SeenPoint, grid: Grid | undefined): Panel[] {
  if (shape.length === 4) {
    const [b, h, n, m] = shape as [number, number, number, number];
    const isPattern = /attn\.(scores|pattern)$/.test(name);
    return Array.from({ length: b * h }, (_, i) => {
      const title = `${b > 1 ? `image ${Math.floor(i / h)}, ` : ''}head ${i % h}`;
      const head = values.subarray(i * n * m, (i + 1) * n * m);
      if (!isPattern) return { title, picture: lengths(head, n, m, grid) };
      // The class token's row, without its look at itself.
      if (grid) return { title, picture: heatmap(head.subarray(1, m), grid.columns, grid.rows) };
      return { title, picture: heatmap(head, m, n) };
    });
  }
  if (shape.length === 3) {
    const [b, n, w] = shape as [number, number, number];
    return Array.from({ length: b }, (_, i) => {
      const title = b > 1 ? `image ${i}: length` : 'length';
      return { title, picture: lengths(values.subarray(i * n * w, (i + 1) * n * w), n, w, grid) };
    });
  }
  return [];
}

/** The length of each token's vector: over the patch grid, leaving the class token out, or as one row. */
function lengths(tokens: Float32Array, n: number, width: number, grid: Grid | undefined) {
  const all = Float32Array.from({ length: n }, (_, token) => {
    let squares = 0;
    for (let i = token * width; i < (token + 1) * width; i++) squares += tokens[i]! * tokens[i]!;
    return Math.sqrt(squares);
  });
  if (!grid) return heatmap(all, n, 1);
  const patches = grid.rows * grid.columns;
  return heatmap(all.subarray(n - patches), grid.columns, grid.rows);
}
