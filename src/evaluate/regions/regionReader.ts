/** The regions of one image after another, each read in several ways by several methods. */
import { inSquare } from '../../regions/boxes.js';
import { maskToGrid } from '../../regions/masks.js';
import { boxWeights, maskWeights } from '../../regions/weights.js';
import type { Method } from '../../segment/methods.js';
import type { SegmentingClip } from '../../segment/segmenter.js';
import type { TextFeatures } from '../../segment/textFeatures.js';
import type { Runner } from '../../tensor/runner.js';
import { prepareMaps } from './denseMaps.js';
import { pooledLikeness, rankOf } from './ranks.js';
import { prepareCrops } from './regionCrops.js';
import { type Region, type RegionDataset, regionsOf, type SegmentedImage } from './regionDataset.js';

/** Where a region's feature is read: in its box or its mask of the dense map, or off a crop of it. */
export const readings = ['boxes', 'masks', 'crops'] as const;

/** The name of a reading. */
export type Reading = (typeof readings)[number];

/**
 * The classes that a region's own is held against: all, as published, or of things only things and of stuff only stuff.
 */
export const rivals = ['all', 'alike'] as const;

/** Which classes a region's own is held against. */
export type Rivals = (typeof rivals)[number];

/** How a region is named. */
export interface RankedRegion {
  readonly label: number;
  /** For each reading that was asked for, and each method: classes that are more like it than its own. */
  readonly ranks: { readonly [R in Reading]?: readonly number[] };
}

/** What reads regions. */
export interface RegionReader {
  ranks(image: SegmentedImage): Promise<RankedRegion[]>;
  dispose(): Promise<void>;
}

/** What a reader is made of. */
export interface RegionReaderParts {
  readonly methods: readonly Method[];
  readonly readings: readonly Reading[];
  /** Side of the square that images are padded to, in pixels. */
  readonly size: number;
  /** Of the data set's names. */
  readonly texts: TextFeatures;
  readonly against: Rivals;
  readonly runner: Runner;
}

/** Prepares the network for what is to be read. @throws InputError as `prepareMaps` */
export async function openRegionReader(
  clip: SegmentingClip,
  { classes, vocabulary }: Pick<RegionDataset, 'classes' | 'vocabulary'>,
  { methods, readings, size, texts, against, runner }: RegionReaderParts,
): Promise<RegionReader> {
  const dense = readings.some(reading => reading !== 'crops');
  const maps = dense ? await prepareMaps(clip, methods, size, texts, runner) : undefined;
  const crops = readings.includes('crops') ? await prepareCrops(clip, texts, runner) : undefined;
  const side = size / clip.config.image!.patch;
  return {
    async ranks(image) {
      const regions = regionsOf(image, classes);
      if (regions.length === 0) return [];
      const { picture, map } = image;
      const cosines = (await maps?.cosines(picture)) ?? [];
      const cropped = await crops?.cosines(
        picture,
        regions.map(({ crop }) => crop),
      );
      const mask = new Uint8Array(map.length);
      return regions.map((region, i) => {
        const { thing } = classes[region.label]!;
        const rank = (likeness: ArrayLike<number>) =>
          rankOf(likeness, vocabulary, region.label, label => against === 'all' || classes[label]!.thing === thing);
        const pooled = (weights: Float32Array) =>
          cosines.map(patches => {
            const likeness = pooledLikeness(weights, patches);
            return likeness ? rank(likeness) : Number.POSITIVE_INFINITY;
          });
        const ways: Readonly<Record<Reading, () => number[]>> = {
          boxes: () =>
            pooled(
              boxWeights(inSquare(region.box, picture.width, picture.height, size), { rows: side, columns: side }),
            ),
          masks: () => pooled(maskWeights(maskToGrid(maskOf(region, map, mask), picture.width, picture.height, side))),
          crops: () => methods.map(() => rank(cropped![i]!)),
        };
        return { label: region.label, ranks: Object.fromEntries(readings.map(name => [name, ways[name]()])) };
      });
    },
    async dispose() {
      await Promise.all([maps?.dispose(), crops?.dispose()]);
    },
  };
}

/** The pixels of one segment, written over another's. */
function maskOf({ number }: Region, map: Uint16Array, into: Uint8Array): Uint8Array {
  for (let p = 0; p < map.length; p++) into[p] = map[p] === number ? 1 : 0;
  return into;
}
