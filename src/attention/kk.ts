import { similarityAttention } from './similarity.js';

/** `softmax(k k^T / sqrt d) v`: NACLIP without its neighbourhood. */
export const kk = similarityAttention(({ k }) => [k, k]);
