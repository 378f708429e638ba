import { InputError } from '../errors.js';
import { headProduct } from '../tensor/ops/heads.js';
import { unitLength } from '../tensor/ops/unitLength.js';
import {
  add,
  type Heads,
  mean,
  mul,
  reshape,
  sqrt,
  square,
  sum,
  type Tensor,
  type Tensor4D,
  tidy,
} from '../tensor/tfjs.js';
import type { Attention, AttentionInput } from './attention.js';
import { mix, softmax } from './parts.js';

export interface GemOptions {
  /** How often each of q, k, v is smoothed by its own attention before it weighs the values. */
  iterations?: number;
  /** Bring each token of q, k, v to unit length before it is compared. */
  normalise?: boolean;
  /** Factor of the scores; default: the mean length of the block's input tokens over `sqrt d`, image by image. */
  temperature?: number;
}

/**
 * The mean of three self-self attentions over the values: with `P` each of v, k, q brought to unit length,
 * `P <- softmax(t P P^T) P` (`iterations` times), then `softmax(t P P^T) v`; the outcome is the average of the three
 * (GEM, Bousselham et al., CVPR 2024).
 *
 * Published as a side path over the last six blocks. `pattern` is the average of the three; `scores` is not visited.
 *
 * @throws InputError when `iterations` is not a whole number from 0 up, or in the text tower, whose causal mask GEM
 * does not know.
 */
export function gem({ iterations = 1, normalise = true, temperature }: GemOptions = {}): Attention {
  if (!Number.isInteger(iterations) || iterations < 0) {
    throw new InputError(`gem: expected a whole number of iterations from 0 up, got ${iterations}`);
  }
  const toLength = normalise ? (p: Heads) => unitLength(p) : (p: Heads) => p;
  return input => {
    if (!input.grid) throw new InputError('gem: expected an image tower with a patch grid; the text tower has none');
    if (input.mask) throw new InputError('gem: expected scores without a mask; GEM has several and knows none');
    const t = temperature ?? inverseTemperature(input);
    const selfPattern = (p: Heads) => softmax(headProduct(mul(p, t), p, true));
    // Patterns are quadratic in the tokens: only the last of each run is kept.
    const patternOf = (start: Heads) =>
      tidy(() => {
        let p = toLength(start);
        for (let i = 0; i < iterations; i++) p = tidy(() => toLength(mix(selfPattern(p), p)));
        return selfPattern(p); // [b, h, n, n]
      });
    const { q, k, v, point } = input;
    const total = add(add(patternOf(v), patternOf(k)), patternOf(q));
    return mix(point('pattern', mul(total, 1 / 3) as Heads), v);
  };
}

/** The mean over tokens of `|y_token|`, over `sqrt d`: `[b, 1, 1, 1]`. */
function inverseTemperature({ input, scale }: AttentionInput): Tensor {
  const lengths = sqrt(sum(square(input), -1, true)); // [b, n, 1]
  return reshape<Tensor4D>(mul(mean(lengths, 1, true), scale), [input.shape[0], 1, 1, 1]);
}
