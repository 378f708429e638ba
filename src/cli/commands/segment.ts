import { Command } from 'commander';
import { InputError } from '../../errors.js';
import { openBytes } from '../../files/bytes.js';
import { fromFloat32 } from '../../files/dtype.js';
import { writeSafetensors } from '../../files/safetensors/write.js';
import type { Pictures } from '../../image/apart/pictures.js';
import type { Picture } from '../../image/picture.js';
import { labelsOf, legendFor, overlaySteps } from '../../segment/draw.js';
import type { Method } from '../../segment/methods.js';
import type { Protocol } from '../../segment/protocols.js';
import {
  openSegmenter,
  type PixelInput,
  promptsFor,
  type Segmentation,
  type Segmenter,
} from '../../segment/segmenter.js';
import type { TextFeatures } from '../../segment/textFeatures.js';
import type { Vocabulary } from '../../segment/vocabulary.js';
import { byTurns } from '../../turns.js';
import { type ClassFlags, vocabularyFrom, withClasses } from '../classes.js';
import {
  type CommonFlags,
  numberWithin,
  type VariantFlags,
  wholeNumber,
  withExif,
  withModel,
  withVariant,
} from '../flags.js';
import {
  checkDistinct,
  checkPictureOutput,
  checkTensorOutput,
  isPixelFile,
  outputFor,
  picturesFor,
  readPixelFile,
} from '../inputs.js';
import { methodFrom, modelFrom, withClip } from '../model.js';
import { percent, print, withProgress } from '../output.js';
import { fulfilTexts, requestTexts, towersFor } from '../texts.js';

/** Runs that a picture takes, more or less: its windows, a few at a time. */
export const windowRuns = 4;

interface Flags extends CommonFlags, VariantFlags, ClassFlags {
  background?: number;
  area?: number;
  scale?: number;
  shortSide?: number;
  window?: number;
  stride?: number;
  pamr?: number;
  output?: string;
  labels?: string;
  logits?: string;
  exif: boolean;
}

export function command(description: string): Command {
  const base = new Command('segment')
    .description(description)
    .argument('<image...>', 'pictures, or .safetensors files with ready pixels [n, 3, h, w]');
  return withSizes(withExif(withVariant(withClasses(withModel(base)), 'clearclip')))
    .option(
      '--background <threshold>',
      "pixels less sure than this go to the class 'background', or the first",
      numberWithin(0, 1),
    )
    .option('--area <share>', 'classes with this share of the foreground or less are dropped', numberWithin(0, 1))
    .option('--scale <factor>', 'of the cosines before the softmax', numberWithin(1e-6, 1e6))
    .option('--pamr <steps>', 'rounds of refinement by the picture itself', wholeNumber(0))
    .option('-o, --output <file>', 'the picture with its classes painted over it and a legend; a folder for several')
    .option('--labels <file>', 'class indices as a palette PNG; a folder for several')
    .option('--logits <file>', 'cosines with every name at every pixel, .safetensors; a folder for several')
    .action(runSegment);
}

/** `--short-side`, `--window`, `--stride`. */
export function withSizes(command: Command): Command {
  return command
    .option(
      '--short-side <pixels>',
      "what the picture's short side is brought to, as far as the method's limit for the long side lets it",
      wholeNumber(1),
    )
    .option('--window <pixels>', 'side of the sliding window; 0: the whole picture at once', wholeNumber(0))
    .option('--stride <pixels>', 'from window to window', wholeNumber(1));
}

/** What the flags change of a method's constants. A window without a stride moves by half of itself. */
export function protocolFlags(
  flags: Pick<Flags, 'shortSide' | 'window' | 'stride' | 'positions'>,
  method: Method,
): Partial<Protocol> {
  const { shortSide, window, stride } = flags;
  const squash = method.protocol.resize === 'squash';
  return {
    ...(shortSide !== undefined && { shortSide, ...(squash && { longSide: shortSide }) }),
    ...(window !== undefined && { window, stride: Math.max(1, Math.floor(window / 2)) }),
    ...(stride !== undefined && { stride }),
    ...(flags.positions !== undefined && { positions: method.protocol.positions }),
  };
}

function protocolFrom(flags: Flags, method: Method): Partial<Protocol> {
  const { background, area, scale, pamr } = flags;
  return {
    ...protocolFlags(flags, method),
    ...(background !== undefined && { probThreshold: background }),
    ...(area !== undefined && { areaThreshold: area }),
    ...(scale !== undefined && { scale }),
    ...(pamr !== undefined && { pamr: { ...method.protocol.pamr, steps: pamr } }),
  };
}

/** Where the results of one image go. */
interface Outputs {
  readonly overlay?: string;
  readonly labels?: string;
  readonly logits?: string;
}

function outputsFor(images: readonly string[], flags: Flags): Outputs[] {
  const ways = [
    ['overlay', flags.output, '.png'],
    ['labels', flags.labels, '.labels.png'],
    ['logits', flags.logits, '.safetensors'],
  ] as const;
  const outputs = images.map(image => {
    const named = ways.flatMap(([way, output, extension]) =>
      output === undefined ? [] : [[way, outputFor(output, image, images.length, extension)] as const],
    );
    return Object.fromEntries(named) as Outputs;
  });
  const all = outputs.flatMap(output => Object.values(output) as string[]);
  checkDistinct(all);
  for (const { overlay: picture, labels, logits } of outputs) {
    if (labels !== undefined && !/\.png$/i.test(labels)) {
      throw new InputError(`--labels: expected a .png file, which keeps class indices; got '${labels}'`);
    }
    if (picture !== undefined) checkPictureOutput(picture, images);
    if (labels !== undefined) checkPictureOutput(labels, images);
    if (logits !== undefined) checkTensorOutput(logits, images);
  }
  return outputs;
}

interface Described {
  readonly file: string;
  readonly size: { readonly width: number; readonly height: number };
  readonly classes: Segmentation['classes'];
}

async function runSegment(images: string[], flags: Flags): Promise<void> {
  const started = performance.now();
  const vocabulary = vocabularyFrom('segment', flags);
  const method = methodFrom(flags, 'clearclip');
  const outputs = outputsFor(images, flags);
  images.forEach((image, i) => {
    checkImage(image, outputs[i]!);
  });
  const model = modelFrom(flags);
  const protocol = protocolFrom(flags, method);
  const pictures = picturesFor(flags);
  const request = await requestTexts(model, vocabulary.queries, promptsFor(model, method.protocol), flags);
  const described = await withClip(
    flags,
    { towers: towersFor(request), runs: windowRuns * images.length },
    async (clip, runner) => {
      const texts = await fulfilTexts(clip, runner, request, flags);
      const segmenter = await openSegmenter(clip, [method], { protocol, runner });
      // What each image came to and no more: its logits can be larger than all else.
      const done: Described[] = [];
      for (const [i, image] of images.entries()) {
        const inputs = await inputsOf(image, flags, pictures);
        const results: Segmentation[] = [];
        for (const input of inputs) {
          results.push(await segmentOne(segmenter, input, vocabulary, texts, flags));
        }
        await write(outputs[i]!, inputs[0]!, results, pictures);
        done.push(...results.map(({ width, height, classes }) => ({ file: image, size: { width, height }, classes })));
      }
      return done;
    },
  );
  const seconds = (performance.now() - started) / 1000;
  const summary = { images: described, size: described[0]!.size, method: method.name, seconds };
  print(flags, summary, () =>
    described.flatMap(({ file, classes }) => [
      file,
      ...classes
        .filter(c => c.pixels > 0)
        .sort((a, b) => b.share - a.share)
        .map(c => `  ${percent(c.share).padStart(7)}  ${c.name}`),
    ]),
  );
}

/** What can be said against an image before a model is loaded. */
function checkImage(path: string, outputs: Outputs): void {
  if (!isPixelFile(path)) {
    openBytes(path).close();
    return;
  }
  const { count } = readPixelFile(path);
  if (count === 1 || (outputs.overlay === undefined && outputs.labels === undefined)) return;
  throw new InputError(`${path}: expected one image for --output and --labels, got ${count}; --logits takes them all`);
}

/** A picture, or each of the images of a pixel file. */
async function inputsOf(image: string, { exif }: Flags, pictures: Pictures): Promise<(Picture | PixelInput)[]> {
  if (!isPixelFile(image)) return [await pictures.read(image, { upright: exif })];
  const { values, count, height, width } = readPixelFile(image);
  const size = 3 * height * width;
  return Array.from({ length: count }, (_, i) => ({
    values: values.subarray(i * size, (i + 1) * size),
    height,
    width,
  }));
}

async function segmentOne(
  segmenter: Segmenter,
  input: Picture | PixelInput,
  vocabulary: Vocabulary,
  texts: TextFeatures,
  flags: Flags,
): Promise<Segmentation> {
  const [only] = await withProgress('windows', flags, onProgress =>
    segmenter.segment(input, vocabulary, { texts, onProgress }),
  );
  return only!;
}

async function write(
  outputs: Outputs,
  input: Picture | PixelInput,
  results: Segmentation[],
  pictures: Pictures,
): Promise<void> {
  const result = results[0]!;
  if (outputs.overlay !== undefined) {
    const picture = 'values' in input ? labelsOf(result) : await byTurns(overlaySteps(input, result));
    await pictures.write(outputs.overlay, legendFor(picture, result));
  }
  if (outputs.labels !== undefined) await pictures.write(outputs.labels, labelsOf(result));
  if (outputs.logits !== undefined) {
    const { height, width, vocabulary } = result;
    const shape = [results.length, vocabulary.queries.length, height, width];
    const bytes = Buffer.concat(results.map(({ logits }) => fromFloat32('F32', logits())));
    writeSafetensors(outputs.logits, [['logits', { dtype: 'F32', shape, bytes }]]);
  }
}
