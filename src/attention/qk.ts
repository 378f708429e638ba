import { similarityAttention } from './similarity.js';

/** `softmax(q k^T / sqrt d) v`: the attention CLIP was trained with (Vaswani et al., arXiv 1706.03762). */
export const qk = similarityAttention(({ q, k }) => [q, k]);
