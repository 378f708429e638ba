/** The order in which a recorded graph is brought to the form that is written. */
import type { Graph } from '../graph.js';
import { foldConstants } from './fold.js';
import { biasIntoGemm, linearToGemm } from './gemm.js';
import { mergeMoves } from './moves.js';
import { type Pass, withoutDead } from './rewrite.js';
import { spellOutSizes } from './sizes.js';
import { slicesUp } from './slicesUp.js';

/** Passes that leave linear maps what they are. */
export const shaping: readonly Pass[] = [withoutDead, foldConstants, mergeMoves, slicesUp];

/** Passes that spell everything out in operators of ONNX. */
export const spelling: readonly Pass[] = [linearToGemm, biasIntoGemm, mergeMoves, spellOutSizes];

/** Brings a graph to the form that is written. */
export const lower = (graph: Graph, passes: readonly Pass[] = [...shaping, ...spelling]): Graph =>
  passes.reduce((current, pass) => pass(current), graph);
