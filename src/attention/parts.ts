/** The three steps every attention is made of. */
import { headProduct } from '../tensor/ops/heads.js';
import { add, type Heads, mul, type Pattern, type Tensor2D, softmax as tfSoftmax } from '../tensor/tfjs.js';

/** `a b^T * scale (+ mask)`: how much each token of `a` is like each of `b`, `[b, h, n, n]`. */
export function scores(a: Heads, b: Heads, scale: number, mask?: Tensor2D | Pattern): Pattern {
  const s: Pattern = headProduct(mul(a, scale), b, true);
  return mask ? add<Pattern>(s, mask) : s;
}

/** Softmax along each row, the key axis: `[b, h, n, n]`, rows add up to 1. */
export const softmax = (s: Pattern): Pattern => tfSoftmax(s, -1);

/** `pattern v`: the values mixed by the weights of each row, `[b, h, n, d]`. */
export const mix = (pattern: Pattern, v: Heads): Heads => headProduct(pattern, v);
