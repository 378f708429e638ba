/** Open-vocabulary segmentation: a photo, names and a method in; a class for every pixel out. */
import { InputError } from '../errors.js';
import type { Picture } from '../image/picture.js';
import type { PreprocessSpec } from '../image/preprocessSpec.js';
import type { Clip } from '../model/clip.js';
import { engineRunner, type Runner } from '../tensor/runner.js';
import type { Tokenizer } from '../tokenizer/index.js';
import { byTurns, type Steps } from '../turns.js';
import { resizePlanesSteps } from './dense/bilinear.js';
import type { LabelMap } from './dense/labels.js';
import { type DenseLogits, denseFromPlanes, logitPlanes, logitPlanesSteps } from './dense/logits.js';
import { pamrSteps } from './dense/pamr.js';
import { prepareDense, wayOf } from './denseRun.js';
import { type ModelSizes, photoPlanes, pixelScale, protocolForModel } from './input.js';
import type { KeptPrefixes } from './keptPrefix.js';
import { clearClip, type Method } from './methods.js';
import type { PrefixStore } from './prefixStore.js';
import { templates } from './prompts.js';
import { checkWindow, labelsBy, stitched } from './protocolRun.js';
import { workingSize } from './protocolSizes.js';
import type { Protocol } from './protocols.js';
import { type TextFeatures, textFeatures } from './textFeatures.js';
import { fromNames, type Vocabulary } from './vocabulary.js';
import { type Planes, windowLogits } from './windowRuns.js';

/** What segmentation needs of a model; `loadClip` gives it. */
export interface SegmentingClip extends Clip {
  readonly tokenizer: Tokenizer;
  readonly preprocessor: PreprocessSpec;
  /** The model's own advice: prompts it was trained on, sizes that suit it. */
  readonly settings?: {
    readonly templates?: readonly string[] | undefined;
    readonly protocol?: ModelSizes | undefined;
  };
}

/** How pictures are segmented beyond the methods' own constants. */
export interface SegmenterOptions {
  /** Overrides the methods' constants, in pixels of this model. */
  readonly protocol?: Partial<Protocol>;
  /** Whose sizes, windows, positions and prompts are used; default: the (first) method's own. */
  readonly base?: Protocol;
  /** What computes; default: the engine that is active. */
  readonly runner?: Runner;
  /** Where the outputs of the shared blocks are kept, for pictures with a `pictureId`; default: nowhere. */
  readonly prefixes?: PrefixStore;
}

/** What goes with one picture. */
export interface PictureOptions {
  /** Features of the vocabulary's names, where they have been computed before (see `textFeatures`). */
  readonly texts?: TextFeatures;
  /** What `prefixes` know the picture by: no other picture's, and another one once its pixels have changed. */
  readonly pictureId?: string;
  /** Windows done so far, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

export type SegmentOptions = SegmenterOptions & PictureOptions;

/** What a class got of the picture. */
export interface ClassShare {
  readonly name: string;
  readonly pixels: number;
  /** Pixels over all pixels, 0 to 1. */
  readonly share: number;
}

/** A picture's classes pixel by pixel, and how they were found. */
export interface Segmentation extends LabelMap {
  readonly method: string;
  readonly vocabulary: Vocabulary;
  /** In the vocabulary's order: label i is `classes[i]`. */
  readonly classes: readonly ClassShare[];
  /** Constants that were used. */
  readonly protocol: Protocol;
  /** Cosines with every name at every pixel, `[names, height, width]`, after PAMR where that is on; made when asked. */
  readonly logits: () => Float32Array;
}

/** An image as the model sees it, already normalised: `[3, height, width]`, and the size labels are wanted at. */
export interface PixelInput extends Planes {
  readonly outputHeight?: number;
  readonly outputWidth?: number;
}

/** Methods made ready for one picture after another. */
export interface Segmenter {
  /** As `segmentVariants`. */
  segment(
    picture: Picture | PixelInput,
    classes: readonly string[] | Vocabulary,
    options?: PictureOptions,
  ): Promise<Segmentation[]>;
  /** Frees what was prepared. The segmenter cannot be used afterwards; the model can. */
  dispose(): Promise<void>;
}

/**
 * Segments a picture by the names of a vocabulary. The label of a pixel below the probability threshold is that of the
 * class called `background`, or else the first, as in the published code.
 *
 * @param classes names, synonyms after `;` or `,`, or a vocabulary from `parseClasses` and its kin
 * @throws InputError for an empty or ambiguous vocabulary, pixels or text features of other sizes than they should have,
 *   sizes out of range or more tokens at once than fit in memory, or a model without an image tower.
 */
export async function segment(
  clip: SegmentingClip,
  picture: Picture | PixelInput,
  classes: readonly string[] | Vocabulary,
  method: Method = clearClip(),
  options: SegmentOptions = {},
): Promise<Segmentation> {
  const [only] = await segmentVariants(clip, picture, classes, [method], options);
  return only!;
}

/**
 * Segments a picture by several methods over one shared run of the blocks before those they change. Sizes, windows,
 * positions and prompts are those of `options.base`, or of the first method; scale and thresholds each method's own.
 * @returns one segmentation a method, in their order
 * @throws InputError as `segment`, and for no methods
 */
export async function segmentVariants(
  clip: SegmentingClip,
  picture: Picture | PixelInput,
  classes: readonly string[] | Vocabulary,
  methods: readonly Method[],
  options: SegmentOptions = {},
): Promise<Segmentation[]> {
  const segmenter = await openSegmenter(clip, methods, options);
  try {
    return await segmenter.segment(picture, classes, options);
  } finally {
    await segmenter.dispose();
  }
}

/**
 * Prepares methods for several pictures, so that what a runner makes of them, such as a compiled graph, serves them all.
 *
 *     const segmenter = await openSegmenter(clip, [sclip()], { runner: await openRunner('ort') });
 *     for (const picture of pictures) console.log((await segmenter.segment(picture, ['cat', 'sofa']))[0].classes);
 *     await segmenter.dispose();
 *
 * @throws InputError for no methods, or a model without an image tower
 */
export async function openSegmenter(
  clip: SegmentingClip,
  methods: readonly Method[],
  { protocol: asked, base, runner = engineRunner, prefixes }: SegmenterOptions = {},
): Promise<Segmenter> {
  const { image } = clip.config;
  if (!image) throw new InputError('segment: expected a model with an image tower; this one has none');
  if (methods.length === 0) throw new InputError('segment: expected at least one method, got none');
  const protocolOf = (published: Protocol) => protocolForModel(published, image, clip.settings?.protocol, asked);
  const shared = protocolOf(base ?? methods[0]!.protocol);
  const ways = methods.map(({ variant, protocol }) => wayOf(clip, variant, protocolOf(protocol)));
  const run = await prepareDense(clip, ways, shared.positions, runner);
  return {
    async segment(picture, classes, { texts: known, pictureId, onProgress } = {}) {
      const vocabulary = 'queries' in classes ? classes : fromNames(classes);
      const inputSize = 'values' in picture ? pixelSize(picture) : workingSize(shared, picture.height, picture.width);
      checkWindow('segment', image, shared.window, inputSize, 'use a smaller short side, or smaller windows');
      const texts = known ?? (await textFeatures(clip, vocabulary.queries, promptsFor(clip, shared), { runner }));
      checkTexts(texts, vocabulary.queries.length, clip.config.embedding);
      const planes = 'values' in picture ? picture : photoPlanes(picture, shared, clip.preprocessor);
      const kept: KeptPrefixes | undefined =
        prefixes && pictureId !== undefined
          ? { store: prefixes, picture: pictureId, made: howMade(picture, shared, clip.preprocessor) }
          : undefined;
      const settings = { ...shared, ...(onProgress && { onProgress }) };
      if (!kept && 'make' in planes) await planes.make();
      const windows = await windowLogits(run, image, planes, texts, settings, kept);
      const size = outputSize(picture);
      const results: Segmentation[] = [];
      for (const [i, method] of methods.entries()) {
        const { scale, probThreshold, areaThreshold, pamr } = protocolOf(method.protocol);
        const protocol: Protocol = { ...shared, scale, probThreshold, areaThreshold, pamr };
        const dense = await byTurns(refined(stitched(windows[i]!, planes, size, texts.count, shared), planes, pamr));
        results.push(await segmentation(method.name, protocol, vocabulary, dense));
      }
      return results;
    },
    dispose: run.dispose,
  };
}

/** Labels for what a method makes of a picture. */
async function segmentation(
  method: string,
  protocol: Protocol,
  vocabulary: Vocabulary,
  dense: DenseLogits,
): Promise<Segmentation> {
  const map = await labelsBy(protocol, vocabulary, dense);
  return {
    ...map,
    method,
    vocabulary,
    protocol,
    classes: vocabulary.classes.map(({ name }, label) => {
      const pixels = map.pixels[label]!;
      return { name, pixels, share: pixels / (map.height * map.width) };
    }),
    logits: () => logitPlanes(dense),
  };
}

/** The prompts a model's names go into: its own, where it brings some, or the protocol's. */
export function promptsFor(clip: Pick<SegmentingClip, 'settings'>, protocol: Protocol): readonly string[] {
  return clip.settings?.templates ?? templates(protocol.templates);
}

/** What decides the pixels of a working size, and with them and the size the shared blocks' outputs. */
function howMade(picture: Picture | PixelInput, protocol: Protocol, preprocessor: PreprocessSpec): string {
  const { resize, resampling, positions } = protocol;
  const pixels = 'values' in picture ? 'as given' : { resize, resampling, ...pixelScale(protocol, preprocessor) };
  return JSON.stringify({ positions, pixels });
}

function pixelSize({ values, height, width }: PixelInput): [height: number, width: number] {
  if (values.length === 3 * height * width) return [height, width];
  throw new InputError(
    `segment: expected 3 x ${height} x ${width} = ${3 * height * width} pixel values, got ${values.length}`,
  );
}

function checkTexts({ count, width, values }: TextFeatures, queries: number, embedding: number): void {
  if (count === queries && width === embedding && values.length === count * width) return;
  throw new InputError(
    `segment: expected text features of ${queries} names x ${embedding} values, got ${count} x ${width} (${values.length} values)`,
  );
}

function outputSize(picture: Picture | PixelInput): [height: number, width: number] {
  if (!('values' in picture)) return [picture.height, picture.width];
  return [picture.outputHeight ?? picture.height, picture.outputWidth ?? picture.width];
}

function* refined(dense: DenseLogits, planes: Planes, refinement: Protocol['pamr']): Steps<DenseLogits> {
  if (refinement.steps === 0) return dense;
  const { queries, height, width } = dense;
  const size = [height, width] as const;
  const pixels = yield* resizePlanesSteps(planes.values, 3, [planes.height, planes.width], size);
  const mask = { planes: yield* logitPlanesSteps(dense), classes: queries, height, width };
  return denseFromPlanes(yield* pamrSteps({ pixels, height, width }, mask, refinement), queries, height, width);
}
