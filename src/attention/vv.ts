import { similarityAttention } from './similarity.js';

/** `softmax(v v^T / sqrt d) v`: CLIP Surgery's choice (Li et al., arXiv 2304.05653). */
export const vv = similarityAttention(({ v }) => [v, v]);
