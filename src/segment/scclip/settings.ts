/** SC-CLIP's constants beside those of every protocol. */
import type { BlockRange } from '../../model/imageTower.js';

/** Blocks, counted from 0, whose outputs SC-CLIP reads; of the last but one it always reads the output. */
export interface ScClipBlocks {
  /** Tells which patches are alike before and inside the last block. */
  readonly similarity: number;
  /** Tells which patches are alike after it. */
  readonly aggregation: number;
  /** Added up and taken through the last block beside the stream. */
  readonly sum: BlockRange;
}

/** SC-CLIP's own constants. */
export interface ScClipSettings {
  /** Patches that an outlier is told by; at most all others. */
  readonly neighbours: number;
  /** Share of the patches that are taken for outliers. */
  readonly contamination: number;
  /** Patches less similar than this share nothing. */
  readonly beta: number;
  /** Factor of the class token, which is added to every patch; default by the depth of the tower. */
  readonly classWeight?: number;
  /** Default by the depth of the tower, see `scClipBlocks`. */
  readonly blocks?: ScClipBlocks;
}

/** As published for ViT-L/14 (issue 5 of the repository). */
const largeBlocks: ScClipBlocks = { similarity: 16, aggregation: 6, sum: { start: 8, end: 19 } };

/**
 * The published blocks for 12 (8; 3; 3 to 9) and for 24 (16; 6; 8 to 18); of another number of blocks those of 12 in
 * proportion, rounded, none the last.
 */
export function scClipBlocks(layers: number): ScClipBlocks {
  if (layers === 24) return largeBlocks;
  const inProportion = (index: number) => Math.min(Math.round((index * layers) / 12), layers - 2);
  const start = inProportion(3);
  return {
    similarity: inProportion(8),
    aggregation: inProportion(3),
    sum: { start, end: Math.max(Math.min(Math.round((10 * layers) / 12), layers - 1), start + 1) },
  };
}
