/** Intermediates as heat maps: what a reader can see at a glance. */
import { join } from 'node:path';
import type { Grid } from '../attention/attention.js';
import { InputError } from '../errors.js';
import { gridPicture, type Panel } from '../image/drawing/grid.js';
import { heatmap } from '../image/drawing/heatmap.js';
import { writePicture } from '../image/encode.js';
import type { Picture } from '../image/picture.js';
import { byTurns, type Steps } from '../turns.js';

/** An intermediate's values with what is said of them. */
export interface SeenPoint {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Maps on one sheet at the most; what a batch or a deep tower has beyond them is left out. */
const mostPanels = 512;

/** Points of one kind: `blocks.3.attn.pattern` and its like in other blocks. */
interface Sheet {
  /** What the file is called: the point's own name where it is alone. */
  readonly name: string;
  readonly points: readonly { readonly point: SeenPoint; readonly block: string | undefined }[];
}

/**
 * Writes contact sheets to a folder that exists, one PNG a kind of point: `image.blocks.attn.pattern.png` has a row a
 * block and a column a head, each the class token's row over the patches (of a text: the whole matrix);
 * `image.blocks.resid_post.png` a map a block of the lengths of token vectors over the patches (of a text: as one row),
 * with the least and the greatest length. A kind that was seen in one block is called by that point's name. Each map has
 * its own scale of colours. Points without tokens (pooled, embedding) have no picture.
 *
 * @returns the files written
 * @throws InputError when the folder is missing or read-only.
 */
export async function writePointPictures(
  folder: string,
  points: readonly SeenPoint[],
  grid: Grid | undefined,
): Promise<string[]> {
  const drawn = sheetsOf(points.filter(({ shape }) => shape.length >= 3));
  if (drawn.length === 0)
    throw new InputError('--pictures: none of the points has tokens to draw; ask for others with --see');
  const paths: string[] = [];
  for (const sheet of drawn) {
    paths.push(join(folder, `${sheet.name}.png`));
    await writePicture(paths.at(-1)!, await byTurns(sheetPicture(sheet, grid)));
  }
  return paths;
}

function sheetsOf(points: readonly SeenPoint[]): Sheet[] {
  const kinds = new Map<string, Sheet['points'][number][]>();
  for (const point of points) {
    const [, path, block, rest] = /^(.*\bblocks)\.(\d+)\.(.+)$/.exec(point.name) ?? [];
    const kind = block === undefined ? point.name : `${path}.${rest}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), { point, block }]);
  }
  return [...kinds].map(([kind, found]) => ({ name: found.length > 1 ? kind : found[0]!.point.name, points: found }));
}

function* sheetPicture({ points }: Sheet, grid: Grid | undefined): Steps<Picture> {
  const [b, heads] = points[0]!.point.shape as [number, number];
  const byHead = points[0]!.point.shape.length === 4;
  const count = points.length * b * (byHead ? heads : 1);
  // Few maps are drawn large; of many, each is still as wide as its title.
  const side = count <= 16 ? 256 : 144;
  const panels: Panel[] = [];
  for (const { point, block } of points) {
    for (const { title, picture } of panelsOf(point, grid, side)) {
      panels.push({ title: block === undefined || points.length === 1 ? title : `block ${block}, ${title}`, picture });
    }
    yield;
  }
  return gridPicture(panels.slice(0, mostPanels), byHead && points.length > 1 ? heads : undefined);
}

function panelsOf({ name, shape, values }: SeenPoint, grid: Grid | undefined, side: number): Panel[] {
  const image = (i: number) => (shape[0]! > 1 ? `image ${i}, ` : '');
  if (shape.length === 3) {
    const [b, n, w] = shape as [number, number, number];
    return Array.from({ length: b }, (_, i) => {
      const map = lengths(values.subarray(i * n * w, (i + 1) * n * w), n, w, grid);
      return { title: `${image(i)}${rangeOf(map.values)}`, picture: drawn(map, side) };
    });
  }
  const [b, h, n, m] = shape as [number, number, number, number];
  const isPattern = /attn\.(scores|pattern)$/.test(name);
  return Array.from({ length: b * h }, (_, i) => {
    const title = `${image(Math.floor(i / h))}head ${i % h}`;
    const head = values.subarray(i * n * m, (i + 1) * n * m);
    if (!isPattern) return { title, picture: drawn(lengths(head, n, m, grid), side) };
    // The class token's row, without its look at itself.
    const map = grid ? { values: head.subarray(1, m), ...grid } : { values: head, rows: n, columns: m };
    return { title, picture: drawn(map, side) };
  });
}

/** Values over a grid. */
interface ValueMap extends Grid {
  readonly values: Float32Array;
}

function drawn({ values, rows, columns }: ValueMap, side: number): Picture {
  return heatmap(values, columns, rows, { scale: Math.max(1, Math.round(side / Math.max(rows, columns))) });
}

/** The least and the greatest of some values: `9.8 to 24`. */
function rangeOf(values: Float32Array): string {
  const end = (of: (a: number, b: number) => number) => String(Number(values.reduce(of).toPrecision(3)));
  return `${end((a, b) => Math.min(a, b))} to ${end((a, b) => Math.max(a, b))}`;
}

/** The length of each token's vector: over the patch grid, leaving the class token out, or as one row. */
function lengths(tokens: Float32Array, n: number, width: number, grid: Grid | undefined): ValueMap {
  const all = Float32Array.from({ length: n }, (_, token) => {
    let squares = 0;
    for (let i = token * width; i < (token + 1) * width; i++) squares += tokens[i]! * tokens[i]!;
    return Math.sqrt(squares);
  });
  if (!grid) return { values: all, rows: 1, columns: n };
  return { values: all.subarray(n - grid.rows * grid.columns), ...grid };
}
