/** Rotary positions of patches in two dimensions (EVA-02: Fang et al., arXiv 2303.11331; RoPE: Su et al., arXiv 2104.09864). */
import type { Grid } from '../attention/attention.js';
import {
  add,
  concat,
  type Heads,
  mul,
  reshape,
  slice,
  type Tensor,
  type Tensor2D,
  tensor2d,
  transpose,
} from '../tensor/tfjs.js';

/** How far each pair of channels of each token is turned, `[1 + n, d]` each, class token first: not at all. */
export interface Rotary {
  readonly cos: Tensor2D;
  /** Of the angle for the second channel of a pair, of its negative for the first. */
  readonly sin: Tensor2D;
}

/** The longest wave is nearly this many times the shortest. */
const base = 10_000;

/**
 * The turns on a grid. The first half of a head's channels turns by the patch's row, the second by its column: pair `i`
 * of `d/4` by `t * 10000^(-4i/d)`, where `t` is the row as a share of all rows times `trained`, the side of the grid of
 * the pre-training. So any grid spans the same angles.
 *
 * @param headWidth `d`, a multiple of 4
 */
export function rotaryOf({ rows, columns }: Grid, headWidth: number, trained: number): Rotary {
  const tokens = 1 + rows * columns;
  const cos = new Float32Array(tokens * headWidth).fill(1, 0, headWidth);
  const sin = new Float32Array(tokens * headWidth);
  const pairs = headWidth / 4;
  for (let token = 1; token < tokens; token++) {
    const patch = token - 1;
    const places = [Math.floor(patch / columns) / rows, (patch % columns) / columns];
    for (const [axis, place] of places.entries()) {
      for (let i = 0; i < pairs; i++) {
        const angle = place * trained * base ** (-i / pairs);
        const at = token * headWidth + 2 * (axis * pairs + i);
        cos.fill(Math.cos(angle), at, at + 2);
        sin[at] = -Math.sin(angle);
        sin[at + 1] = Math.sin(angle);
      }
    }
  }
  return { cos: tensor2d(cos, [tokens, headWidth]), sin: tensor2d(sin, [tokens, headWidth]) };
}

/** Turns neighbouring channels `(a, b)` to `(a cos - b sin, b cos + a sin)`, `[b, h, n, d]`. */
export const rotate = (x: Heads, { cos, sin }: Rotary): Heads => add(mul(x, cos), mul(pairsSwapped(x), sin));

/** The two channels of each pair in each other's place; by whole rows of a transpose, since engines move single values slowly. */
function pairsSwapped(x: Heads): Heads {
  const pairs = transpose(reshape<Tensor2D>(x, [x.size / 2, 2])); // [2, pairs]
  const [first, second] = [0, 1].map(row => slice(pairs, [row, 0], [1, x.size / 2])) as [Tensor, Tensor];
  return reshape(transpose(concat([second, first], 0)), [...x.shape]);
}
