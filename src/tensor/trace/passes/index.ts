/** The order in which a recorded graph is brought to the form that is written. */
import type { Device } from '../../run/host.js';
import { fuseAttention } from './attention.js';
import { broadcastInPlace } from './broadcast.js';
import { foldConstants } from './fold.js';
import { biasIntoGemm, linearToGemm } from './gemm.js';
import { linearToFusedMatMul } from './linear.js';
import { mergeMoves } from './moves.js';
import { oneQuery } from './oneQuery.js';
import { type Pass, withoutDead } from './rewrite.js';
import { spellOutSizes } from './sizes.js';
import { slicesUp } from './slicesUp.js';

/** Passes that leave linear maps recognisable. */
export const shaping: readonly Pass[] = [withoutDead, foldConstants, mergeMoves, broadcastInPlace, slicesUp, oneQuery];

/** What a graph is written for: a device that ONNX Runtime computes on, or any runtime. */
export type Target = Device | 'any';

/** Passes that use operators which ONNX Runtime alone has. */
export const fusing: Readonly<Record<Target, readonly Pass[]>> = {
  cpu: [fuseAttention, linearToFusedMatMul],
  // Its attention in one node gives something else where the processor works in groups of other sizes than it expects
  // (https://github.com/microsoft/onnxruntime/pull/28520); and it has no such product, and would copy to the processor and back.
  webgpu: [],
  any: [],
};

/** Passes that spell everything else out in operators of ONNX. */
export const spelling: readonly Pass[] = [linearToGemm, biasIntoGemm, mergeMoves, spellOutSizes];
