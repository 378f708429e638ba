/** What the evaluation of regions has by default, and fixes for every method. */
import { InputError } from '../../errors.js';
import type { ImageConfig } from '../../model/config.js';
import { templates } from '../../segment/prompts.js';
import type { MethodName } from '../../segment/protocols.js';
import type { SegmentingClip } from '../../segment/segmenter.js';
import type { RegionDataset } from './regionDataset.js';
import type { Rivals } from './regionReader.js';

/** Whose dense map is read unless others are named. */
export const usualMethod: MethodName = 'clipself';

/** Patches a side as published: 1024 pixels by patches of 16, 896 by patches of 14. */
const publishedSide = 64;

/** Scores that all heads may have at once: those of 16 heads at the published size. */
const mostScores = 16 * (1 + publishedSide ** 2) ** 2;

/**
 * The side of the square that images are padded to, in pixels: 64 patches as published; for scenes, whose objects are
 * large, twice the model's input.
 * @param asked in place of that
 * @throws InputError for a size that is not whole patches, or of so many that their attention fits no memory
 */
export function regionSize(
  { patch, imageSize, heads }: ImageConfig,
  { kind }: Pick<RegionDataset, 'kind'>,
  asked?: number,
): number {
  const size = asked ?? (kind === 'scenes' ? 2 * Math.floor(imageSize / patch) : publishedSide) * patch;
  const side = size / patch;
  if (!(Number.isInteger(side) && side > 0)) {
    throw new InputError(`regions: expected a size in whole patches of ${patch} pixels, got ${size}`);
  }
  if (heads * (1 + side ** 2) ** 2 > mostScores) {
    const most = Math.floor(Math.sqrt(Math.sqrt(mostScores / heads) - 1)) * patch;
    throw new InputError(`regions: expected a size of at most ${most} pixels for this model, got ${size}`);
  }
  return size;
}

/** Which classes are asked about a region unless it is said. */
export const usualRivals = ({ kind }: Pick<RegionDataset, 'kind'>): Rivals => (kind === 'scenes' ? 'alike' : 'all');

/** The sentences that names stand in: the model's own, or OpenAI's 80. */
export const regionPrompts = ({ settings }: Pick<SegmentingClip, 'settings'>): readonly string[] =>
  settings?.templates ?? templates('imagenet80');
