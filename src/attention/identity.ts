import type { Attention } from './attention.js';

/** `v`: every token keeps its own value and nothing is mixed, as in MaskCLIP (Zhou et al., ECCV 2022). No pattern. */
export const identity: Attention = ({ v }) => v;
