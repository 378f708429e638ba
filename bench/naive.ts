/**
 * ViT-B/16 as it is usually written first: weights as checkpoints store them, `[out, in]`, products over `[b, n, w]` and
 * over all heads at once. The same numbers as `src/model`, by the products that tfjs-wasm does slowly.
 */
import type { BlockWeights } from '../src/model/block.js';
import type { ImageConfig } from '../src/model/config.js';
import type { ImageWeights } from '../src/model/imageTower.js';
import { quickGelu } from '../src/tensor/ops/gelu.js';
import { layerNorm } from '../src/tensor/ops/layerNorm.js';
import { unitLength } from '../src/tensor/ops/unitLength.js';
import {
  add,
  concat,
  dispose,
  type Heads,
  type Linear,
  matMul,
  mul,
  type Pixels,
  reshape,
  slice,
  softmax,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tokens,
  tidy,
  transpose,
} from '../src/tensor/tfjs.js';

export interface NaiveTower {
  /** `[1, 3, s, s] -> [1, embedding]`, unit length. */
  encode(pixels: Pixels): Tensor2D;
  dispose(): void;
}

type Stored = { readonly weight: Tensor2D; readonly bias?: Tensor1D };

/** The same weights turned back to `[out, in]`. Norms and biases stay those of `w`. */
export function naiveTower(config: ImageConfig, w: ImageWeights): NaiveTower {
  const turned: Tensor[] = [];
  const stored = ({ weight, bias }: Linear): Stored => {
    const back = transpose(weight);
    turned.push(back);
    return { weight: back, ...(bias && { bias }) };
  };
  const patch = stored({ weight: w.patch });
  const blocks = w.blocks.map(block => ({
    ...block,
    q: stored(block.q),
    k: stored(block.k),
    v: stored(block.v),
    out: stored(block.out),
    fc1: stored(block.fc1),
    fc2: stored(block.fc2),
  }));
  const projection = stored({ weight: w.projection });
  return {
    dispose: () => dispose(turned),
    encode: pixels =>
      tidy(() => {
        const patches = dense(patchRows(pixels, config.patch), patch); // [1, n, w]
        const classToken = reshape<Tokens>(w.classToken, [1, 1, config.width]);
        const embedded = add<Tokens>(concat([classToken, patches], 1), w.positions);
        let x = layerNorm(embedded, w.lnPre!, config.layerNormEpsilon);
        for (const block of blocks) {
          const entering = x;
          x = tidy(() => naiveBlock(entering, block, config));
          entering.dispose();
        }
        const last = slice(x, [0, 0, 0], [1, 1, config.width]);
        const pooled = dense(layerNorm(last, w.lnPost, config.layerNormEpsilon), projection); // [1, 1, e]
        return unitLength(reshape<Tensor2D>(pooled, [1, pooled.shape[2]]));
      }),
  };
}

function naiveBlock(x: Tokens, w: BlockWeights, { heads, width, layerNormEpsilon: epsilon }: ImageConfig): Tokens {
  const [b, n] = x.shape;
  const d = width / heads;
  const apart = (t: Tokens): Heads => transpose(reshape<Heads>(t, [b, n, heads, d]), [0, 2, 1, 3]);
  const input = layerNorm(x, w.ln1, epsilon);
  const [q, k, v] = [w.q, w.k, w.v].map(map => apart(dense(input, map))) as [Heads, Heads, Heads];
  const pattern = softmax(mul(matMul(q, k, false, true), 1 / Math.sqrt(d))); // [b, h, n, n]
  const z = matMul(pattern, v); // [b, h, n, d]
  const mid = add<Tokens>(x, dense(reshape<Tokens>(transpose(z, [0, 2, 1, 3]), [b, n, width]), w.out));
  const inner = quickGelu(dense(layerNorm(mid, w.ln2, epsilon), w.fc1));
  return add<Tokens>(mid, dense(inner, w.fc2));
}

/** `x W^T + b` with `W` as `[out, in]`. */
function dense(x: Tokens, { weight, bias }: Stored): Tokens {
  const [out, inputs] = weight.shape;
  const y: Tokens = matMul(x, reshape<Tokens>(weight, [1, out, inputs]), false, true);
  return bias ? add(y, bias) : y;
}

function patchRows(pixels: Pixels, p: number): Tokens {
  const [b, channels, height, width] = pixels.shape;
  const [rows, columns] = [height / p, width / p];
  const cells = transpose(reshape<Tensor>(pixels, [b, channels, rows, p, columns, p]), [0, 2, 4, 1, 3, 5]);
  return reshape(cells, [b, rows * columns, channels * p * p]);
}
