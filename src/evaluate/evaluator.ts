/**
 * Evaluation of one shard of a data set after another by several methods at once. What it makes of a shard depends on
 * the plan alone, so shards may be done in any order, by several evaluators, on several machines.
 */
import { loadClip } from '../checkpoint/loadClip.js';
import { InputError } from '../errors.js';
import { printable } from '../files/quote.js';
import type { Picture } from '../image/picture.js';
import type { Segmentation } from '../segment/segmenter.js';
import { openRunner } from '../tensor/runner.js';
import type { Dataset, LabelledImage } from './datasets/dataset.js';
import { encodeTexts } from './methods/encodeTexts.js';
import { groupMethods } from './methods/groups.js';
import { type SegmentAll, segmentAll } from './methods/segmentAll.js';
import { imageCounts } from './metrics/imageCounts.js';
import type { EvaluationPlan, PlanIdentity } from './plan.js';
import { openPrefixCache, type PrefixCache } from './prefixCache/prefixCache.js';
import type { ImageRecord, ShardResult } from './records.js';
import { type SettingNorms, settingNorms } from './report/norms.js';
import { type KnownParts, type OpenPlan, openPlan, shardRange } from './run/openPlan.js';

/** How one shard is evaluated. */
export interface ShardOptions {
  /** Ends the evaluation after the image under way. */
  readonly signal?: AbortSignal;
  /** Called as each image is done, in any order. */
  readonly onImage?: (record: ImageRecord) => void;
  /** Records that are there already, which are not made again. */
  readonly known?: readonly ImageRecord[];
}

/** What does the shards of a plan. */
export interface ShardEvaluator {
  /**
   * Evaluates one shard. An image that cannot be read or segmented gets a record that says why.
   * @throws the signal's reason; and a fault that comes with one image after another, so that it is no image's own
   */
  evaluate(shard: number, options?: ShardOptions): Promise<ShardResult>;
  dispose(): Promise<void>;
}

/** A plan made ready: its model loaded, its texts encoded, its methods prepared. */
export interface Evaluator extends ShardEvaluator {
  readonly identity: PlanIdentity;
  readonly dataset: Dataset;
  readonly shards: number;
  readonly images: number;
  /** Segments one image again, to look at. @throws InputError when it cannot be read or segmented */
  look(index: number): Promise<Look>;
  /** Lengths of tokens in each method's last block; methods that run it more than once are left out. */
  norms(pictures: readonly Picture[]): Promise<SettingNorms[]>;
}

/** An image as it is labelled, and as each method labels it. */
export interface Look extends LabelledImage {
  readonly segmentations: readonly Segmentation[];
}

/** What an evaluator may be given beside the plan. */
export interface EvaluatorParts extends KnownParts {
  /**
   * Images under way at once, default 2: with more than one the network runs in a thread of its own, while in this one
   * the next image is read and the last one labelled.
   */
  readonly atOnce?: number;
  /** Names encoded so far, of how many. */
  readonly onTexts?: (done: number, total: number) => void;
  /** Takes lines of advice. */
  readonly warn?: (text: string) => void;
}

/**
 * Opens a plan and makes it ready to evaluate shards.
 *
 *     const evaluator = await openEvaluator(plan);
 *     for (let shard = 0; shard < evaluator.shards; shard++) results.push(await evaluator.evaluate(shard));
 *     await evaluator.dispose();
 *
 * @throws InputError as `openPlan`, for weights that do not load, or an engine that is not there
 */
export async function openEvaluator(plan: EvaluationPlan, parts: EvaluatorParts = {}): Promise<Evaluator> {
  const open = await openPlan(plan, parts);
  const { dataset, model, methods, identity, shards, images } = open;
  const { atOnce = 2, onTexts, warn } = parts;
  const groups = groupMethods(methods, model);
  const texts = await encodeTexts(groups, open, onTexts);
  const closers: (() => Promise<void>)[] = [];
  const dispose = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const clip = await loadClip(plan.model, {
      towers: ['image'],
      ...(plan.activation && { activation: plan.activation }),
      weights: plan.engine === 'ort' ? 'file' : 'engine',
    });
    closers.push(async () => clip.dispose());
    const prefixes = plan.prefixCache && openPrefixes(plan.prefixCache, open, warn);
    if (prefixes) closers.push(prefixes.close);
    const all = await segmentAll(clip, { groups, texts, plan, apart: atOnce > 1, prefixes });
    closers.push(all.dispose);
    const recordOf = imageRecorder(dataset, all);
    return {
      identity,
      dataset,
      shards,
      images,
      async evaluate(shard, { signal, onImage, known = [] } = {}) {
        if (!(shard >= 0 && shard < shards)) {
          throw new InputError(`evaluate: expected a shard from 0 to ${shards - 1}, got ${shard}`);
        }
        const [from, to] = shardRange(open, shard);
        const records: ImageRecord[] = [];
        let next = from;
        const lane = async () => {
          while (next < to) {
            signal?.throwIfAborted();
            const index = next++;
            const there = known.find(({ id }) => id === dataset.ids[index]);
            const record = there ?? (await recordOf(index));
            records[index - from] = record;
            if (!there) onImage?.(record);
          }
        };
        await Promise.all(Array.from({ length: Math.min(atOnce, to - from) }, lane));
        return { shard, images: records };
      },
      async look(index) {
        const image = await dataset.read(index);
        return { ...image, segmentations: await all.segment(image.picture) };
      },
      async norms(pictures) {
        const single = methods.filter(({ variant }) => variant.guide === undefined);
        const { engine, threads, quantize } = plan;
        const runner = await openRunner(engine, {
          host: 'worker',
          ...(threads !== undefined && { threads }),
          ...(quantize && { quantize }),
        });
        try {
          return await settingNorms(clip, single, pictures, runner);
        } finally {
          await runner.dispose();
        }
      },
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function openPrefixes(
  { path, bytes }: NonNullable<EvaluationPlan['prefixCache']>,
  { plan, identity }: OpenPlan,
  warn?: (text: string) => void,
): PrefixCache {
  // What rounds the shared blocks' values otherwise.
  const prefix = JSON.stringify([identity.version, plan.engine, plan.quantize]);
  return openPrefixCache({ folder: path, bytes, weights: identity.weights, prefix, ...(warn && { warn }) });
}

/** Images in a row that may fail by what is no bad input. */
const mostFaults = 4;

/** What reads an image, segments it by every method, and counts. */
function imageRecorder(dataset: Dataset, all: SegmentAll): (index: number) => Promise<ImageRecord> {
  let faults = 0;
  return async index => {
    const id = dataset.ids[index]!;
    let image: LabelledImage;
    try {
      image = await dataset.read(index);
    } catch (error) {
      return { id, height: 0, width: 0, methods: [], failure: lineOf(error) };
    }
    const { height, width } = image.picture;
    try {
      const size = { classes: dataset.classes.length, height, width };
      const segmentations = await all.segment(image.picture);
      const methods = segmentations.map(({ labels }) => imageCounts(image.labels, labels, size));
      faults = 0;
      return { id, height, width, methods };
    } catch (error) {
      // One image may be too much for the runtime; when several are, something else is wrong.
      if (!(error instanceof InputError) && ++faults > mostFaults) throw error;
      return { id, height, width, methods: [], failure: `${id}: ${lineOf(error)}` };
    }
  };
}

const lineOf = (error: unknown): string =>
  printable((error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!);
