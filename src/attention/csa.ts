import { add } from '../tensor/tfjs.js';
import type { Attention } from './attention.js';
import { mix, scores, softmax } from './parts.js';

/**
 * `(softmax(q q^T / sqrt d) + softmax(k k^T / sqrt d)) v`: SCLIP's correlative self-attention (Wang et al., ECCV 2024).
 * The two are added, not averaged: rows of the pattern add up to 2. The point `scores` is not visited, there being two.
 */
export const csa: Attention = ({ q, k, v, scale, mask, point }) => {
  const byQueries = softmax(scores(q, q, scale, mask));
  const byKeys = softmax(scores(k, k, scale, mask));
  return mix(point('pattern', add(byQueries, byKeys)), v);
};
