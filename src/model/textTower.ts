/** The text tower, step by step (OpenAI CLIP, `clip/model.py`, `encode_text`). */
import { layerNorm } from '../tensor/ops/layerNorm.js';
import { linear } from '../tensor/ops/linear.js';
import { unitLength } from '../tensor/ops/unitLength.js';
import {
  add,
  argMax,
  cast,
  equal,
  gather,
  type Norm,
  range,
  reshape,
  scalar,
  slice,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tokens,
  tensor2d,
} from '../tensor/tfjs.js';
import { type BlockOptions, type BlockWeights, block } from './block.js';
import type { TextConfig } from './config.js';
import { type Points, scoped } from './points.js';

export interface TextWeights {
  /** Token embedding, `[vocabulary, w]`. */
  readonly table: Tensor2D;
  /** `[context, w]`. */
  readonly positions: Tensor2D;
  readonly blocks: readonly BlockWeights[];
  readonly lnFinal: Norm;
  /** `[w, embedding]`. */
  readonly projection: Tensor2D;
}

export interface TextOutput {
  /** The sentence token's row after the last normalisation and the projection, `[b, embedding]`. */
  pooled: Tensor2D;
  /** The same at unit length: CLIP's text embedding. */
  embedding: Tensor2D;
}

export interface TextRun {
  readonly config: TextConfig;
  readonly weights: TextWeights;
  readonly points: Points;
  readonly blocks?: Readonly<Record<number, BlockOptions>>;
}

/** Which position of a sentence stands for it. */
export function pooledPosition(ids: ArrayLike<number>, pooling: TextConfig['pooling']): number {
  if (pooling !== 'largest-id') return Math.max(0, Array.prototype.indexOf.call(ids, pooling.firstOf));
  let best = 0;
  for (let i = 1; i < ids.length; i++) if (ids[i]! > ids[best]!) best = i;
  return best;
}

/** 0 where token i may look at token j (j <= i), minus infinity elsewhere: `[n, n]`. */
function causalMask(n: number): Tensor2D {
  const mask = new Float32Array(n * n);
  for (let i = 0; i < n; i++) mask.fill(Number.NEGATIVE_INFINITY, i * n + i + 1, (i + 1) * n);
  return tensor2d(mask, [n, n]);
}

/** The same for ids in a tensor, `[b, n] -> [b]`. */
export function pooledPositions(ids: Tensor2D, pooling: TextConfig['pooling']): Tensor1D {
  return argMax(pooling === 'largest-id' ? ids : cast(equal(ids, scalar(pooling.firstOf, 'int32')), 'int32'), 1);
}

/**
 * Runs sentences of one length: `ids` is `[b, n]`, `pooled` the position of each row's sentence token, `[b]`, both
 * int32. A token sees only what stands before it, so n need reach no further than the last pooled position.
 */
export function runText(run: TextRun, ids: Tensor2D, pooled: Tensor1D): TextOutput {
  const { config, weights: w, points, blocks = {} } = run;
  const [b, n] = ids.shape;
  let x = scoped(points, () => {
    const embedded = reshape<Tokens>(gather(w.table, reshape<Tensor1D>(ids, [b * n])), [b, n, config.width]);
    const tokens = points.point('embed.token', embedded);
    return points.point('embed.pos', add<Tokens>(tokens, slice(w.positions, [0, 0], [n, config.width])));
  });
  const mask = causalMask(n);
  for (let i = 0; i < config.layers; i++) {
    const entering = x;
    x = scoped(points, () => block(entering, w.blocks[i]!, { config, mask }, points.under(`blocks.${i}.`), blocks[i]));
    entering.dispose();
  }
  const normed = points.point('ln_final', layerNorm(x, w.lnFinal, config.layerNormEpsilon)); // [b, n, w]
  const tokens: Tensor3D = points.point('tokens', linear(normed, { weight: w.projection })); // [b, n, e]
  const rows = add<Tensor1D>(pooled, range(0, b * n, n, 'int32')); // of all tokens, one after the other
  const e = w.projection.shape[1];
  const sentence = points.point('pooled', gather(reshape<Tensor2D>(tokens, [b * n, e]), rows)); // [b, e]
  return { pooled: sentence, embedding: points.point('embedding', unitLength(sentence)) };
}
