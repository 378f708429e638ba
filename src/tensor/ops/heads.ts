import {
  concat,
  customGrad,
  getBackend,
  type Heads,
  matMul,
  reshape,
  type Tensor,
  type Tensor4D,
  type Tokens,
  tensor2d,
  tidy,
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

/** Operations in one head's product below which tfjs-wasm's batched kernel, a tenth as fast, costs less: see bench. */
const smallProduct = 3e4;

/**
 * The matrix product of each head on its own: `[b, h, n, m] x [b, h, m, k] -> [b, h, n, k]`;
 * with `transposeB` the second is `[b, h, k, m]`.
 *
 * On wasm all but very small heads are multiplied one by one, because only a plain product of two matrices, neither
 * transposed, reaches its fast kernel; elsewhere it is one batched call.
 */
export function headProduct(a: Heads, b: Heads, transposeB = false): Heads {
  const [, , n, m] = a.shape;
  const k = transposeB ? b.shape[2] : b.shape[3];
  if (getBackend() !== 'wasm' || 2 * n * m * k < smallProduct) return matMul(a, b, false, transposeB);
  const product = customGrad<Heads>((...inputs) => {
    const [left, right, save] = inputs as [Heads, Heads, (tensors: Tensor[]) => void];
    save([left, right]);
    return {
      value: oneByOne(left, transposeB ? turned(right) : right),
      gradFunc: (dy, saved) => {
        const [x, y] = saved as [Heads, Heads];
        return [headProduct(dy, y, !transposeB), transposeB ? headProduct(turned(dy), x) : headProduct(turned(x), dy)];
      },
    };
  });
  return product(a, b);
}

const turned = (x: Heads): Heads => transpose(x, [0, 1, 3, 2]);

/** Through arrays, because tfjs-wasm's `split` copies all of its input for every part of it. */
function oneByOne(a: Heads, b: Heads): Heads {
  const [batch, heads, n, m] = a.shape;
  const k = b.shape[3];
  const lefts = a.dataSync() as Float32Array;
  const rights = b.dataSync() as Float32Array;
  const products = Array.from({ length: batch * heads }, (_, i) =>
    tidy(() => {
      const left = tensor2d(lefts.subarray(i * n * m, (i + 1) * n * m), [n, m]);
      const right = tensor2d(rights.subarray(i * m * k, (i + 1) * m * k), [m, k]);
      return matMul(left, right); // [n, k]
    }),
  );
  return reshape(concat(products), [batch, heads, n, k]);
}
