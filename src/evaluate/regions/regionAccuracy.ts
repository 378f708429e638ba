/**
 * How well regions are named: by what their box or mask holds of a dense map, and by the image tower on a crop of each
 * (CLIPSelf, Wu et al., ICLR 2024, arXiv 2310.01403; its `training/zero_shot.py`).
 */
import { InputError } from '../../errors.js';
import { printable } from '../../files/quote.js';
import { type Method, methodByName } from '../../segment/methods.js';
import type { SegmentingClip } from '../../segment/segmenter.js';
import { type TextFeatures, textFeatures } from '../../segment/textFeatures.js';
import { engineRunner, type Runner } from '../../tensor/runner.js';
import { type ClassAccuracyOptions, classAccuracy, countRegion, noHits, type RegionScores } from './classAccuracy.js';
import type { RegionDataset, SegmentedImage } from './regionDataset.js';
import { openRegionReader, type RankedRegion, type Reading, type Rivals, readings } from './regionReader.js';
import { regionPrompts, regionSize, usualMethod, usualRivals } from './settings.js';

export interface RegionOptions extends ClassAccuracyOptions {
  /** What is done to the last blocks for the dense map; default: CLIPSelf's. */
  readonly methods?: readonly Method[];
  /** Default: all. */
  readonly readings?: readonly Reading[];
  /** Default: all as published; for scenes, where what is behind an object is a right name too, those alike. */
  readonly against?: Rivals;
  /** Longest side in pixels; default: `regionSize`'s. */
  readonly size?: number;
  /** Only the first so many images. */
  readonly limit?: number;
  /** Features of the data set's names, where they have been computed before. */
  readonly texts?: TextFeatures;
  /** Called at the start and after each image. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends it after the image under way. */
  readonly signal?: AbortSignal;
}

/** Scores of one reading, of classes that can be counted and of those that cannot. */
export interface ReadingScores {
  readonly thing: RegionScores;
  readonly stuff: RegionScores;
}

/** A method's scores, by reading. What is read off crops does not depend on the method. */
export type MethodReadings = { readonly name: string } & { readonly [R in Reading]?: ReadingScores };

/** What was found. */
export interface RegionAccuracy {
  /** Images that count. */
  readonly images: number;
  /** Images that do not, and why. */
  readonly failures: readonly { readonly id: string; readonly failure: string }[];
  /** Regions that were named. */
  readonly regions: { readonly thing: number; readonly stuff: number };
  /** Side of the square that images were padded to. */
  readonly size: number;
  readonly against: Rivals;
  readonly methods: readonly MethodReadings[];
}

/**
 * Names the regions of a data set's images, in as many ways as there are methods and readings, over one run of the
 * blocks that the methods share. Images are read one at a time.
 * @throws InputError for no methods or readings, a size that does not fit the model, a model without an image tower or
 *   whose features are not finite; the signal's reason
 */
export async function regionAccuracy(
  clip: SegmentingClip,
  dataset: RegionDataset,
  options: RegionOptions = {},
  runner: Runner = engineRunner,
): Promise<RegionAccuracy> {
  const { methods = [methodByName(usualMethod)], readings: wanted = readings, signal, onProgress } = options;
  const { image } = clip.config;
  if (!image) throw new InputError('regions: expected a model with an image tower; this one has none');
  if (methods.length === 0 || wanted.length === 0) {
    throw new InputError(`regions: expected methods and readings, got ${methods.length} and ${wanted.length}`);
  }
  const size = regionSize(image, dataset, options.size);
  const against = options.against ?? usualRivals(dataset);
  const texts =
    options.texts ?? (await textFeatures(clip, dataset.vocabulary.queries, regionPrompts(clip), { runner }));
  const total = Math.min(options.limit ?? dataset.ids.length, dataset.ids.length);
  const reader = await openRegionReader(clip, dataset, { methods, readings: wanted, size, texts, against, runner });
  const ranked: RankedRegion[] = [];
  const failures: { id: string; failure: string }[] = [];
  try {
    onProgress?.(0, total);
    for (let i = 0; i < total; i++) {
      signal?.throwIfAborted();
      const image = await orFailure(() => dataset.read(i));
      if ('failure' in image) failures.push({ id: dataset.ids[i]!, failure: image.failure });
      else ranked.push(...(await reader.ranks(image)));
      onProgress?.(i + 1, total);
    }
  } finally {
    await reader.dispose();
  }
  const isThing = (label: number) => dataset.classes[label]!.thing;
  const scoresOf = (reading: Reading, method: number): ReadingScores => {
    const hits = noHits(dataset.classes.length);
    for (const { label, ranks } of ranked) countRegion(hits, label, ranks[reading]![method]!);
    return {
      thing: classAccuracy(hits, isThing, options),
      stuff: classAccuracy(hits, label => !isThing(label), options),
    };
  };
  const things = ranked.filter(({ label }) => isThing(label)).length;
  return {
    images: total - failures.length,
    failures,
    regions: { thing: things, stuff: ranked.length - things },
    size,
    against,
    methods: methods.map(({ name }, m) => ({
      name,
      ...Object.fromEntries(wanted.map(reading => [reading, scoresOf(reading, m)])),
    })),
  };
}

async function orFailure(read: () => Promise<SegmentedImage>): Promise<SegmentedImage | { failure: string }> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { failure: printable(error.message) };
  }
}
