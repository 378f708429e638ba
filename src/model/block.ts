import type { Attention, Grid } from '../attention/attention.js';
import { qk } from '../attention/qk.js';
import { mergeHeads, splitHeads } from '../tensor/ops/heads.js';
import { layerNorm } from '../tensor/ops/layerNorm.js';
import { linear } from '../tensor/ops/linear.js';
import {
  add,
  type Heads,
  type Linear,
  mul,
  type Norm,
  type Scalar,
  type Tensor2D,
  type Tokens,
} from '../tensor/tfjs.js';
import { activations, type TowerConfig } from './config.js';
import type { Point } from './points.js';
import { type Rotary, rotate } from './rotary.js';

/** The weights of one transformer block, by the role each plays. Only EVA-02's have those that may be absent. */
export interface BlockWeights {
  readonly ln1: Norm;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  /** Normalises the mixed values, heads merged, before they are projected out. */
  readonly attnLn?: Norm;
  readonly out: Linear;
  readonly ln2: Norm;
  readonly fc1: Linear;
  /** A second map beside `fc1`, which the activation of the first one gates. */
  readonly up?: Linear;
  /** Normalises what `fc2` is given. */
  readonly mlpLn?: Norm;
  readonly fc2: Linear;
}

/** How a block departs from the one CLIP was trained with. Nothing given: not at all. */
export interface BlockOptions {
  /** How values are mixed; default `qk`. */
  attention?: Attention;
  /**
   * `true`: input + attention; a number alpha, or a tensor of one: input + alpha x attention; `false`: attention alone. A
   * tensor can be an input of a compiled function, which then serves every alpha.
   */
  residual?: boolean | number | Scalar;
  /** Whether the feed-forward layer, with its own residual, follows. */
  ffn?: boolean;
}

/** What a block needs besides its input and weights. */
export interface BlockContext {
  readonly config: TowerConfig;
  readonly grid?: Grid;
  readonly mask?: Tensor2D;
  /** Turns queries and keys by where their tokens are; points `attn.q` and `attn.k` come after it. */
  readonly rotary?: Rotary | undefined;
}

/**
 * One pre-norm transformer block: `[b, n, w] -> [b, n, w]` (OpenAI CLIP, `clip/model.py`, ResidualAttentionBlock; with
 * the parts that it may also have, EVA-02's: arXiv 2303.11331, section 2.1).
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
  const { config, rotary } = context;
  const norm = (tokens: Tokens, weights: Norm) => layerNorm(tokens, weights, config.layerNormEpsilon);
  const x = point('resid_pre', entering);
  const input = point('ln1', norm(source ?? x, w.ln1)); // [b, n, w]
  const heads = (map: Linear) => splitHeads(linear(input, map), config.heads);
  const placed = (name: 'q' | 'k', map: Linear) =>
    rotary ? rotate(point(`attn.${name}_unrotated`, heads(map)), rotary) : heads(map);
  const q = point('attn.q', placed('q', w.q)); // [b, h, n, d]
  const k = point('attn.k', placed('k', w.k)); // [b, h, n, d]
  const v = point('attn.v', heads(w.v)); // [b, h, n, d]
  const scale = 1 / Math.sqrt(config.width / config.heads);
  const inner = <T extends Heads>(name: 'scores' | 'pattern', value: T) => point(`attn.${name}`, value);
  const z = point('attn.z', attention({ ...context, q, k, v, scale, input, point: inner })); // [b, h, n, d]
  const mixed = w.attnLn ? point('attn.ln', norm(mergeHeads(z), w.attnLn)) : mergeHeads(z); // [b, n, w]
  const attnOut = point('attn_out', linear(mixed, w.out)); // [b, n, w]

  const mid = point('resid_mid', residual === false ? attnOut : add<Tokens>(x, weighted(attnOut, residual)));
  if (!ffn) return point('resid_post', mid);

  const normed = point('ln2', norm(mid, w.ln2));
  const pre = point('mlp.pre', linear(normed, w.fc1)); // [b, n, mlp width]
  const active = activations[config.activation](pre);
  const post: Tokens = point('mlp.post', w.up ? mul(active, point('mlp.up', linear(normed, w.up))) : active);
  const given = w.mlpLn ? point('mlp.ln', norm(post, w.mlpLn)) : post;
  const mlpOut = point('mlp_out', linear(given, w.fc2)); // [b, n, w]
  return point('resid_post', add<Tokens>(mid, mlpOut));
}

const weighted = (attnOut: Tokens, alpha: number | Scalar | true): Tokens =>
  alpha === true || alpha === 1 ? attnOut : mul(attnOut, alpha);
