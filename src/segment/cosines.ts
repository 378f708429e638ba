/** From projected patches to their cosines with names. */
import { unitLength } from '../tensor/ops/unitLength.js';
import { matMul, reshape, slice, type Tensor2D, type Tensor3D, type Tokens, transpose } from '../tensor/tfjs.js';

/** Cosines of patches `[b, n, embedding]` with unit-length features `[embedding, q]`: `[b, q, n]`. */
export function patchCosines(patches: Tokens, texts: Tensor2D): Tensor3D {
  const [b, n, e] = patches.shape;
  const dots = matMul(reshape<Tensor2D>(unitLength(patches), [b * n, e]), texts);
  return transpose(reshape<Tensor3D>(dots, [b, n, texts.shape[1]]), [0, 2, 1]);
}

/** Tokens without the class token, which is the first. */
export function patchesOf(tokens: Tokens): Tokens {
  const [b, n, e] = tokens.shape;
  return slice(tokens, [0, 1, 0], [b, n - 1, e]);
}
