import {
  concat,
  getBackend,
  type Heads,
  matMul,
  reshape,
  split,
  type Tensor2D,
  type Tensor4D,
  type Tokens,
  transpose,
} from '../tfjs.js';

/** `[b, n, w] -> [b, h, n, w/h]`: head j owns channels `j*d .. (j+1)*d - 1`. */
export function splitHeads(x: Tokens, heads: number): Heads {
  const [b, n, w] = x.shape;
  return transpose(reshape<Tensor4D>(x, [b, n, heads, w / heads]), [0, 2, 1, 3]);
}

/** `[b, h, n, d] -> [b, n, h*d]`: the inverse of `splitHeads`. */
export function mergeHeads(x: Heads): Tokens {
  const [b, h, n, d] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [b, n, h * d]);
}

/** tfjs-wasm's batched product runs at a tenth of its plain one, which costs a fixed price a call: see bench. */
const smallProduct = 1.2e6;

/**
 * The matrix product of each head on its own: `[b, h, n, m] x [b, h, m, k] -> [b, h, n, k]`;
 * with `transposeB` the second is `[b, h, k, m]`.
 *
 * On wasm large heads are multiplied one by one, because only a plain product of two matrices, neither transposed,
 * reaches its fast kernel; the rest is one batched call everywhere.
 */
export function headProduct(a: Heads, b: Heads, transposeB = false): Heads {
  const [batch, heads, n, m] = a.shape;
  const k = transposeB ? b.shape[2] : b.shape[3];
  if (getBackend() !== 'wasm' || 2 * n * m * k < smallProduct) return matMul(a, b, false, transposeB);
  const right = transposeB ? transpose(b, [0, 1, 3, 2]) : b; // [b, h, m, k]
  const count = batch * heads;
  const lefts = split(reshape<Tensor2D>(a, [count * n, m]), count);
  const rights = split(reshape<Tensor2D>(right, [count * m, k]), count);
  const products = lefts.map((left, i) => matMul(left, rights[i]!)); // each [n, k]
  return reshape(concat(products, 0), [batch, heads, n, k]);
}
