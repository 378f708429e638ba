/** CLIP as a value: sizes, weights, and the calls that run it. */
import { InputError } from '../errors.js';
import {
  concat,
  dispose,
  gather,
  type Pixels,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '../tensor/tfjs.js';
import type { BlockOptions } from './block.js';
import { checkBlocks, checkPixels, checkVariants } from './checks.js';
import type { ClipConfig, ImageConfig } from './config.js';
import {
  firstChanged,
  type ImageOutput,
  type ImageWeights,
  type Reads,
  runStream,
  runTail,
  type Variant,
} from './imageTower.js';
import { imagePoints, textPoints } from './pointNames.js';
import { openPoints, type PointOptions, type Seen, scoped, untilStopped } from './points.js';
import type { PositionMode } from './positions.js';
import { checkReads, type Prefix, prefixOf, readsOf, streamOf } from './prefix.js';
import { batchesByLength, checkIds, tokensAtOnce } from './textBatches.js';
import { pooledPosition, pooledPositions, runText, type TextOutput } from './textTower.js';
import type { ClipWeights } from './weights/load.js';

/** `stop` is a matter of each call, because it decides what comes back. */
interface TowerOptions extends Omit<PointOptions, 'stop'> {
  /** Blocks done differently, by index from 0; what `last` says of a block goes before. */
  blocks?: Readonly<Record<number, BlockOptions>>;
}

export interface ImageOptions extends TowerOptions {
  /** How the last blocks are done; default: as CLIP was trained. */
  last?: Variant;
  /** How stored positions meet another grid; default `stretch`. */
  positions?: PositionMode;
}

export interface TextOptions extends TowerOptions {
  /** `needed` (default) runs each text up to its sentence token, lengths apart; `full` runs the whole context. */
  context?: 'needed' | 'full';
}

/** What was asked to be seen, beside a run's outputs. All tensors are the caller's to dispose, or a `tidy`'s. */
export interface WithSeen {
  seen: Seen;
}

export interface Clip {
  readonly config: ClipConfig;
  readonly weights: ClipWeights;
  /** Factor of cosines in CLIP's logits. */
  readonly logitScale: number;
  /**
   * Runs the image tower. With `stop`, the run ends once all of `see` is computed and only `seen` comes back.
   *
   * @param pixels `[b, 3, height, width]`, normalised; any size of at least one patch.
   * @throws InputError for pixels of another shape, an unknown point, or one the run did not visit.
   */
  image(pixels: Pixels, options: ImageOptions & { stop: true }): WithSeen;
  image(pixels: Pixels, options?: ImageOptions): ImageOutput & WithSeen;
  /**
   * Runs several variants of the last blocks over one shared run of the blocks before them: outputs in the order of
   * the variants, each with what it saw.
   */
  variants(
    pixels: Pixels,
    variants: readonly Variant[],
    options?: Omit<ImageOptions, 'last'>,
  ): (ImageOutput & WithSeen)[];
  /**
   * The first half of `variants`: what their tails read, apart from them, to be kept or to go through another function.
   *
   *     const prefix = clip.prefix(pixels, readsOf(clip.config.image!, [{ attention: mine }]));
   *     const [{ tokens }] = clip.tails(prefix, [{ attention: mine }]);
   *
   * @param pixels as `image` takes them.
   * @throws InputError for pixels of another shape, or blocks that the tower has not.
   */
  prefix(pixels: Pixels, reads: Reads, options?: Pick<ImageOptions, 'positions'>): Prefix;
  /**
   * The second half of `variants`: outputs in their order, equal to those from the pixels.
   *
   * @throws InputError when the prefix holds less than they read, or tensors whose sizes do not fit each other.
   */
  tails(prefix: Prefix, variants: readonly Variant[]): ImageOutput[];
  /**
   * Runs the text tower on token ids (start and end included, padding not needed): `[texts, embedding]` each.
   *
   * @throws InputError for an empty list, a text longer than the context, or an id outside the vocabulary.
   */
  text(ids: readonly ArrayLike<number>[], options: TextOptions & { stop: true }): WithSeen;
  text(ids: readonly ArrayLike<number>[], options?: TextOptions): TextOutput & WithSeen;
  /**
   * Runs the text tower on ids in a tensor, `[texts, n]` int32, start and end included and anything behind the end: what
   * a compiled function takes. Only the shape is checked; an id outside the vocabulary is the caller's to keep out.
   */
  textIds(ids: Tensor2D, options?: Omit<TextOptions, 'context' | 'stop'>): TextOutput & WithSeen;
  /** Frees the weights. The value cannot be used afterwards. */
  dispose(): void;
}

/** Puts sizes and weights together. `loadClip` does this from a file; this is for weights made in memory. */
export function createClip(config: ClipConfig, weights: ClipWeights): Clip {
  return {
    config,
    weights,
    logitScale: weights.logitScale,
    image: ((pixels: Pixels, options: ImageOptions & Stoppable = {}) => {
      const { last = {}, ...shared } = options;
      return runImages(imageTower(config, weights), config, pixels, [last], shared)[0];
    }) as Clip['image'],
    variants: (pixels, variants, options = {}) =>
      runImages(imageTower(config, weights), config, pixels, variants, options) as (ImageOutput & WithSeen)[],
    prefix: (pixels, reads, options) => runPrefix(imageTower(config, weights), pixels, reads, options),
    tails: (prefix, variants) => runTails(imageTower(config, weights), prefix, variants),
    text: ((ids: readonly ArrayLike<number>[], options: TextOptions & Stoppable = {}) =>
      runTexts(config, weights, ids, options)) as Clip['text'],
    textIds: (ids, options = {}) => runIds(config, weights, ids, options),
    dispose: () => dispose([weights.image, weights.text] as unknown as Tensor[]),
  };
}

type Stoppable = Pick<PointOptions, 'stop'>;
type ImageTower = [ImageConfig, ImageWeights];

function imageTower({ image }: ClipConfig, weights: ClipWeights): ImageTower {
  if (image && weights.image) return [image, weights.image];
  throw new InputError('image: this model was loaded without its image tower');
}

function runImages(
  [config, weights]: ImageTower,
  { embedding }: ClipConfig,
  pixels: Pixels,
  variants: readonly Variant[],
  { positions = 'stretch', blocks, stop = false, ...asked }: Omit<ImageOptions, 'last'> & Stoppable,
): (Partial<ImageOutput> & WithSeen)[] {
  checkPixels(config, pixels);
  checkVariants('variants', variants);
  checkBlocks(blocks, config.layers);
  const [batch, , height, width] = pixels.shape;
  const known = variants.map(variant =>
    imagePoints(config, embedding, { batch, height, width }, variant).map(({ name }) => name),
  );
  const run = { config, weights, ...(blocks && { blocks }) };
  return tidy<(Partial<ImageOutput> & WithSeen)[]>(() => {
    // Under `sum` the stream passes the blocks that the tail does anew: seeing them there is no reason to stop.
    const stopInStream = stop && variants.every(({ path }) => path !== 'sum');
    const shared = openPoints('image', [...new Set(known.flat())], { ...asked, stop: stopInStream });
    const stream = untilStopped(() =>
      runStream({ ...run, points: shared }, pixels, positions, readsOf(config, variants)),
    );
    if (!stream) return [{ seen: shared.seen }];
    return variants.map((variant, i) => {
      const own = openPoints('image', known[i]!, { ...asked, stop });
      const names = new Set(known[i]);
      own.adopt(shared, name => names.has(name) && !isChanged(config, variant, name));
      const output = untilStopped(() => scoped(own, () => runTail({ ...run, points: own }, stream, variant)));
      if (output) own.finish();
      return { ...(stop ? {} : output), seen: own.seen };
    });
  });
}

function runPrefix(
  [config, weights]: ImageTower,
  pixels: Pixels,
  reads: Reads,
  { positions = 'stretch' }: Pick<ImageOptions, 'positions'> = {},
): Prefix {
  checkPixels(config, pixels);
  checkReads(config, reads);
  return tidy(() =>
    prefixOf(runStream({ config, weights, points: openPoints('image', []) }, pixels, positions, reads)),
  );
}

function runTails([config, weights]: ImageTower, prefix: Prefix, variants: readonly Variant[]): ImageOutput[] {
  checkVariants('tails', variants);
  return tidy<ImageOutput[]>(() => {
    const stream = streamOf(config, prefix, variants);
    const run = { config, weights, points: openPoints('image', []) };
    return variants.map(variant => scoped(run.points, () => runTail(run, stream, variant)));
  });
}

/** Whether a point of the ordinary stream stands, in this variant, for one of its changed blocks. */
function isChanged(config: ImageConfig, variant: Variant, name: string): boolean {
  const index = /^image\.blocks\.(\d+)\./.exec(name)?.[1];
  return index !== undefined && variant.path !== 'side' && Number(index) >= firstChanged(config, variant);
}

function runTexts(
  { text: config, embedding }: ClipConfig,
  { text: weights }: ClipWeights,
  texts: readonly ArrayLike<number>[],
  { context = 'needed', blocks, stop = false, ...asked }: TextOptions & Stoppable,
): Partial<TextOutput> & WithSeen {
  if (!config || !weights) throw new InputError('text: this model was loaded without its text tower');
  checkIds(texts, config);
  checkBlocks(blocks, config.layers);
  const pooled = texts.map(ids => pooledPosition(ids, config.pooling));
  const lengths = pooled.map(position => (context === 'full' ? config.context : position + 1));
  const together = (asked.see?.length ?? 0) > 0 || asked.patch !== undefined;
  if (together) lengths.fill(Math.max(...lengths));
  const known = textPoints(config, embedding).map(({ name }) => name);
  return tidy<Partial<TextOutput> & WithSeen>(() => {
    const points = openPoints('text', known, { ...asked, stop });
    const run = { config, weights, points, ...(blocks && { blocks }) };
    const batches = batchesByLength(lengths, together ? Number.POSITIVE_INFINITY : tokensAtOnce);
    const outputs = batches.map(rows => {
      const n = lengths[rows[0]!]!;
      const ids = new Int32Array(rows.length * n);
      rows.forEach((row, i) => {
        ids.set(Array.prototype.slice.call(texts[row], 0, n), i * n);
      });
      const places = tensor1d(
        Int32Array.from(rows, row => pooled[row]!),
        'int32',
      );
      const padded = tensor2d(ids, [rows.length, n], 'int32');
      return untilStopped(() => scoped(points, () => runText(run, padded, places)));
    });
    if (outputs.some(output => !output)) return { seen: points.seen };
    points.finish();
    if (stop) return { seen: points.seen };
    const order = new Int32Array(texts.length);
    batches.flat().forEach((row, at) => {
      order[row] = at;
    });
    const inOrder = (which: keyof TextOutput) => {
      const parts = outputs.map(output => output![which]);
      return gather(concat(parts, 0), tensor1d(order, 'int32'));
    };
    return { pooled: inOrder('pooled'), embedding: inOrder('embedding'), seen: points.seen };
  });
}

function runIds(
  { text: config, embedding }: ClipConfig,
  { text: weights }: ClipWeights,
  ids: Tensor2D,
  { blocks, ...asked }: Omit<TextOptions, 'context' | 'stop'>,
): TextOutput & WithSeen {
  if (!config || !weights) throw new InputError('text: this model was loaded without its text tower');
  const [b, n] = ids.shape as [number, number?];
  if (ids.dtype !== 'int32' || n === undefined || ids.rank > 2 || !(b > 0 && n > 0 && n <= config.context)) {
    const expected = `ids as int32 [texts, 1 to ${config.context}]`;
    throw new InputError(`text: expected ${expected}, got ${ids.dtype} [${ids.shape}]`);
  }
  checkBlocks(blocks, config.layers);
  const known = textPoints(config, embedding).map(({ name }) => name);
  return tidy(() => {
    const points = openPoints('text', known, asked);
    const run = { config, weights, points, ...(blocks && { blocks }) };
    const output = runText(run, ids, pooledPositions(ids, config.pooling));
    points.finish();
    return { ...output, seen: points.seen };
  }) as unknown as TextOutput & WithSeen;
}
