/** The order in which a recorded graph is brought to the form that is written. */
import { fuseAttention } from './attention.js';
import { broadcastInPlace } from './broadcast.js';
import { foldConstants } from './fold.js';
import { biasIntoGemm, linearToGemm } from './gemm.js';
import { mergeMoves } from './moves.js';
import { type Pass, withoutDead } from './rewrite.js';
import { spellOutSizes } from './sizes.js';
import { slicesUp } from './slicesUp.js';

/** Passes that leave linear maps what they are. */
export const shaping: readonly Pass[] = [withoutDead, foldConstants, mergeMoves, broadcastInPlace, slicesUp];

/** Passes that use operators which ONNX Runtime alone has. */
export const fusing: readonly Pass[] = [fuseAttention];

/** Passes that spell everything else out in operators of ONNX. */
export const spelling: readonly Pass[] = [linearToGemm, biasIntoGemm, mergeMoves, spellOutSizes];
