/** Attention inside windows of the patch grid: its cost grows with the patches, not with their square. */
import { InputError } from '../errors.js';
import {
  concat,
  type Heads,
  mean,
  type Pattern,
  pad,
  reshape,
  slice,
  type Tensor4D,
  tensor4d,
  tile,
  transpose,
} from '../tensor/tfjs.js';
import type { Attention, Grid } from './attention.js';
import { qk } from './qk.js';

export interface WindowedOptions {
  /** Side of a window, in patches. */
  size: number;
  /** What happens inside a window; default `qk`. */
  attention?: Attention;
}

/**
 * Any attention, inside windows of `size x size` patches that each have the class token too. Patches look at their window
 * and the class token; the class token looks at one window after the other, and what it finds is averaged.
 *
 * CLIPSelf (arXiv 2310.01403; wusize/CLIPSelf 3802ca3) studies windows of 16 in all blocks but every third of B/16 and
 * every sixth of L/14; there the class tokens are averaged one step later, behind the feed-forward layer.
 *
 * Windows at right and bottom that the grid does not fill are padded with patches that nobody looks at. Where one window
 * covers the grid this is the attention itself; elsewhere the points `scores` and `pattern` are not visited, there being
 * one for each window.
 *
 * @throws InputError when `size` is not a whole number from 1 up, for the text tower, or with a mask over more than one
 *   window.
 */
export function windowed({ size, attention = qk }: WindowedOptions): Attention {
  if (!(Number.isInteger(size) && size >= 1)) {
    throw new InputError(`windowed: expected a size of 1 patch or more, got ${size}`);
  }
  return input => {
    const { q, k, v, grid, mask } = input;
    if (!grid) throw new InputError('windowed: expected an image tower with a patch grid; the text tower has none');
    const { rows, columns } = grid;
    if (rows <= size && columns <= size) return attention(input);
    if (mask) throw new InputError('windowed: expected no mask; masks are over all tokens, not over those of a window');
    const cut: Windows = { grid, window: { rows: Math.min(rows, size), columns: Math.min(columns, size) } };
    const z = attention({
      ...input,
      q: toWindows(q, cut),
      k: toWindows(k, cut),
      v: toWindows(v, cut),
      grid: cut.window,
      ...(isPadded(cut) && { mask: paddingMask(q.shape[1], cut) }),
      point: (_, value) => value,
    });
    return fromWindows(z, q.shape[1], cut);
  };
}

interface Windows {
  readonly grid: Grid;
  readonly window: Grid;
}

/** How many windows there are down and across. */
const countOf = ({ grid, window }: Windows): Grid => ({
  rows: Math.ceil(grid.rows / window.rows),
  columns: Math.ceil(grid.columns / window.columns),
});

const isPadded = ({ grid, window }: Windows): boolean =>
  grid.rows % window.rows > 0 || grid.columns % window.columns > 0;

/** `[b, h, 1 + n, d] -> [b, h * windows, 1 + window, d]`: windows are heads of their own, so that nothing else moves. */
function toWindows(x: Heads, cut: Windows): Heads {
  const { grid, window } = cut;
  const count = countOf(cut);
  const [b, h, , d] = x.shape;
  const windows = count.rows * count.columns;
  const patches = reshape<Tensor4D>(slice(x, [0, 0, 1, 0], [-1, -1, -1, -1]), [b, h, grid.rows, grid.columns * d]);
  const [below, right] = [count.rows * window.rows - grid.rows, count.columns * window.columns - grid.columns];
  const whole = isPadded(cut)
    ? pad(patches, [
        [0, 0],
        [0, 0],
        [0, below],
        [0, right * d],
      ])
    : patches;
  const strips = reshape<Tensor4D>(whole, [b * h * count.rows, window.rows, count.columns, window.columns * d]);
  const cells = reshape<Heads>(transpose(strips, [0, 2, 1, 3]), [b, h * windows, window.rows * window.columns, d]);
  const classToken = tile(slice(x, [0, 0, 0, 0], [-1, -1, 1, -1]), [1, 1, windows, 1]); // [b, h, windows, d]
  return concat([reshape<Heads>(classToken, [b, h * windows, 1, d]), cells], 2);
}

/** The inverse, with the mean of the class tokens. */
function fromWindows(x: Heads, h: number, cut: Windows): Heads {
  const { grid, window } = cut;
  const count = countOf(cut);
  const [b, , , d] = x.shape;
  const classTokens = reshape<Tensor4D>(slice(x, [0, 0, 0, 0], [-1, -1, 1, -1]), [b, h, count.rows * count.columns, d]);
  const cells = slice(x, [0, 0, 1, 0], [-1, -1, -1, -1]);
  const shape = [b * h * count.rows, count.columns, window.rows, window.columns * d];
  const strips = transpose(reshape<Tensor4D>(cells, shape), [0, 2, 1, 3]);
  const whole = reshape<Tensor4D>(strips, [b, h, count.rows * window.rows, count.columns * window.columns * d]);
  const patches = isPadded(cut) ? slice(whole, [0, 0, 0, 0], [-1, -1, grid.rows, grid.columns * d]) : whole;
  return concat([mean(classTokens, 2, true) as Heads, reshape<Heads>(patches, [b, h, grid.rows * grid.columns, d])], 2);
}

/** Minus infinity at the padding of each window: `[1, h * windows, 1, 1 + window]`. */
function paddingMask(heads: number, cut: Windows): Pattern {
  const { grid, window } = cut;
  const count = countOf(cut);
  const windows = count.rows * count.columns;
  const n = 1 + window.rows * window.columns;
  const mask = new Float32Array(heads * windows * n);
  for (let i = 0; i < heads * windows; i++) {
    const top = Math.floor((i % windows) / count.columns) * window.rows;
    const left = (i % count.columns) * window.columns;
    for (let y = 0, at = i * n + 1; y < window.rows; y++) {
      for (let x = 0; x < window.columns; x++, at++) {
        if (top + y >= grid.rows || left + x >= grid.columns) mask[at] = Number.NEGATIVE_INFINITY;
      }
    }
  }
  return tensor4d(mask, [1, heads * windows, 1, n]);
}
