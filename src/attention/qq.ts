import { similarityAttention } from './similarity.js';

/** `softmax(q q^T / sqrt d) v`: ClearCLIP's choice for the last block (Lan et al., ECCV 2024). */
export const qq = similarityAttention(({ q }) => [q, q]);
