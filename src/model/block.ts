import type { Attention, Grid } from '../attention/attention.js';
import { qk } from '../attention/qk.js';
import { mergeHeads, splitHeads } from '../tensor/ops/heads.js';
import { layerNorm } from '../tensor/ops/layerNorm.js';
import { linear } from '../tensor/ops/linear.js';
import { add, type Heads, type Linear, mul, type Norm, type Tensor2D, type Tokens } from '../tensor/tfjs.js';
import { activations, type TowerConfig } from './config.js';
import type { Point } from './points.js';

/** The weights of one transformer block, by the role each plays. */
export interface BlockWeights {
  readonly ln1: Norm;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly out: Linear;
  readonly ln2: Norm;
  readonly fc1: Linear;
  readonly fc2: Linear;
}

/** How a block departs from the one CLIP was trained with. Nothing given: not at all. */
export interface BlockOptions {
  /** How values are mixed; default `qk`. */
  attention?: Attention;
  /** `true`: input + attention; a number alpha: input + alpha x attention; `false`: attention alone. */
  residual?: boolean | number;
  /** Whether the feed-forward layer, with its own residual, follows. */
  ffn?: boolean;
}

/** What a block needs besides its input and weights. */
export interface BlockContext {
  readonly config: TowerConfig;
  readonly grid?: Grid;
  readonly mask?: Tensor2D;
}

/**
 * One pre-norm transformer block: `[b, n, w] -> [b, n, w]` (OpenAI CLIP, `clip/model.py`, ResidualAttentionBlock).
 *
 * `source` is where the attention looks; it is the input itself but for methods that run a second path beside the
 * stream (CLIP Surgery, GEM), whose attention reads the stream and is added to the path.
 */
export function block(
  entering: Tokens,
  w: BlockWeights,
  context: BlockContext,
  point: Point,
  { attention = qk, residual = true, ffn = true }: BlockOptions = {},
  source?: Tokens,
): Tokens {
  const { config } = context;
  const x = point('resid_pre', entering);
  const input = point('ln1', layerNorm(source ?? x, w.ln1, config.layerNormEpsilon)); // [b, n, w]
  const q = point('attn.q', splitHeads(linear(input, w.q), config.heads)); // [b, h, n, d]
  const k = point('attn.k', splitHeads(linear(input, w.k), config.heads)); // [b, h, n, d]
  const v = point('attn.v', splitHeads(linear(input, w.v), config.heads)); // [b, h, n, d]
  const scale = 1 / Math.sqrt(config.width / config.heads);
  const inner = <T extends Heads>(name: 'scores' | 'pattern', value: T) => point(`attn.${name}`, value);
  const z = point('attn.z', attention({ ...context, q, k, v, scale, input, point: inner })); // [b, h, n, d]
  const attnOut = point('attn_out', linear(mergeHeads(z), w.out)); // [b, n, w]

  const mid = point('resid_mid', residual === false ? attnOut : add<Tokens>(x, weighted(attnOut, residual)));
  if (!ffn) return point('resid_post', mid);

  const normed = point('ln2', layerNorm(mid, w.ln2, config.layerNormEpsilon));
  const pre = point('mlp.pre', linear(normed, w.fc1)); // [b, n, mlp width]
  const post = point('mlp.post', activations[config.activation](pre));
  const mlpOut = point('mlp_out', linear(post, w.fc2)); // [b, n, w]
  return point('resid_post', add<Tokens>(mid, mlpOut));
}

const weighted = (attnOut: Tokens, alpha: number | true): Tokens =>
  alpha === true || alpha === 1 ? attnOut : mul(attnOut, alpha);
