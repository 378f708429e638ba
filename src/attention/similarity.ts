import type { Heads } from '../tensor/tfjs.js';
import type { Attention, AttentionInput } from './attention.js';
import { mix, scores, softmax } from './parts.js';

/** `softmax(a b^T / sqrt d) v` for a choice of `a` and `b`: the four plain variants differ in nothing else. */
export function similarityAttention(choose: (input: AttentionInput) => readonly [Heads, Heads]): Attention {
  return input => {
    const [a, b] = choose(input);
    const pattern = softmax(input.point('scores', scores(a, b, input.scale, input.mask)));
    return mix(input.point('pattern', pattern), input.v);
  };
}
