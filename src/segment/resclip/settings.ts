/** ResCLIP's constants beside those of every protocol. */
import type { BlockRange } from '../../model/imageTower.js';
import type { PamrOptions } from '../dense/pamr.js';

/** Two things mixed: `tau ((1 - lambda) own + lambda other)`. */
export interface Mixing {
  readonly tau: number;
  readonly lambda: number;
}

/** ResCLIP's own constants. */
export interface ResClipSettings {
  /** Residual cross-correlation: of the pattern, after the softmax, with the mean pattern of middle blocks. */
  readonly rcs: Mixing;
  /** Semantic feedback: of the scores, before the softmax, with what the first look says. */
  readonly sfr: Mixing;
  /** Pixels of the first look whose best name has a smaller probability count as the first name. */
  readonly threshold: number;
  /** Standard deviation of the feedback's smoothing, in patches. */
  readonly sigma: number;
  /** Whether the feedback heeds what lies between two patches. */
  readonly pathCheck: boolean;
  /** Refinement of the first look. */
  readonly pamr: PamrOptions;
  /** Blocks whose patterns are averaged; default by the depth of the tower, see `averagedBlocks`. */
  readonly blocks?: BlockRange;
}

/**
 * The blocks whose patterns are averaged: 5 to 8 of 12 (counted from 0), as published; of another number of blocks those
 * in proportion, rounded, at least one and never the last.
 */
export function averagedBlocks(layers: number): BlockRange {
  const start = Math.min(Math.round((5 * layers) / 12), layers - 2);
  return { start, end: Math.max(Math.min(Math.round((9 * layers) / 12), layers - 1), start + 1) };
}

/** What differs between data sets, each pair as tau and lambda, and what does not. */
export const resClipSettings = (
  rcs: readonly [tau: number, lambda: number],
  sfr: readonly [tau: number, lambda: number],
  threshold: number,
): ResClipSettings => ({
  rcs: { tau: rcs[0], lambda: rcs[1] },
  sfr: { tau: sfr[0], lambda: sfr[1] },
  threshold,
  sigma: 5,
  pathCheck: true,
  pamr: { steps: 10, dilations: [8, 16] },
});
