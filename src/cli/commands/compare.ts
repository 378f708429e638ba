import { Command } from 'commander';
import { attentions } from '../../attention/index.js';
import { InputError, suggestion } from '../../errors.js';
import { gridPicture, type Panel } from '../../image/drawing/grid.js';
import { type Picture, toRgb } from '../../image/picture.js';
import { resizeSteps } from '../../image/resize.js';
import { labelsOf, legendFor, overlaySteps } from '../../segment/draw.js';
import { type Method, methodByName } from '../../segment/methods.js';
import { methodNames } from '../../segment/protocols.js';
import { promptsFor, type Segmentation, segmentVariants } from '../../segment/segmenter.js';
import { byTurns, type Steps, turn } from '../../turns.js';
import { type ClassFlags, vocabularyFrom, withClasses } from '../classes.js';
import { type CommonFlags, type VariantFlags, withExif, withModel, withVariant } from '../flags.js';
import { checkPictureOutput, isPixelFile, picturesFor, readPixelFile } from '../inputs.js';
import { methodFrom, modelFrom, withClip } from '../model.js';
import { percent, print, withProgress } from '../output.js';
import { fulfilTexts, requestTexts, towersFor } from '../texts.js';
import { protocolFlags, windowRuns, withSizes } from './segment.js';

interface Flags extends CommonFlags, VariantFlags, ClassFlags {
  methods: string;
  shortSide?: number;
  window?: number;
  stride?: number;
  output?: string;
  exif: boolean;
}

export function command(description: string): Command {
  const base = new Command('compare')
    .description(`${description}, over one shared run of the blocks before those they change`)
    .argument('<image>', 'a picture, or a .safetensors file with ready pixels [1, 3, h, w]');
  return withSizes(withExif(withVariant(withClasses(withModel(base)), 'sclip')))
    .option('--methods <a,b,c>', 'methods, or attentions put into --method', 'clip,maskclip,sclip,clearclip,naclip,gem')
    .option('-o, --output <file>', 'the panels as one picture')
    .addHelpText(
      'after',
      "\nSizes, windows, positions and prompts are those of --method; scale and thresholds each method's own.",
    )
    .action(runCompare);
}

async function runCompare(image: string, flags: Flags): Promise<void> {
  const vocabulary = vocabularyFrom('compare', flags);
  const base = methodFrom(flags, 'sclip');
  const methods = flags.methods.split(',').map(name => entry(name.trim(), base));
  const twice = methods.find(({ name }, i) => methods.findIndex(other => other.name === name) !== i);
  if (twice) throw new InputError(`--methods: '${twice.name}' is there twice`);
  if (flags.output !== undefined) {
    checkPictureOutput(flags.output, [image]);
  }
  const model = modelFrom(flags);
  const request = await requestTexts(model, vocabulary.queries, promptsFor(model, base.protocol), flags);
  const pictures = picturesFor(flags);
  const input = isPixelFile(image) ? pixelsOf(image) : await pictures.read(image, { upright: flags.exif });
  const panels = await withClip(flags, { towers: towersFor(request), runs: windowRuns }, async (clip, runner) => {
    const texts = await fulfilTexts(clip, runner, request, flags);
    return withProgress('windows', flags, onProgress =>
      segmentVariants(clip, input, vocabulary, methods, {
        runner,
        texts,
        onProgress,
        base: base.protocol,
        protocol: protocolFlags(flags, base),
      }),
    );
  });
  if (flags.output !== undefined) {
    const drawn: Panel[] = [];
    const add = async (title: string, picture: Picture) => {
      drawn.push({ title, picture: await byTurns(legible(picture)) });
    };
    if (!('values' in input)) await add('picture', input);
    for (const result of panels) {
      await add(result.method, 'values' in input ? labelsOf(result) : await byTurns(overlaySteps(input, result)));
    }
    const grid = gridPicture(drawn);
    await turn();
    await pictures.write(flags.output, legendFor(grid, union(panels)));
  }
  const described = panels.map(({ method, classes }) => ({ method, classes }));
  print(flags, { panels: described }, () =>
    described.map(({ method, classes }) => {
      const largest = classes.filter(c => c.pixels > 0).sort((a, b) => b.share - a.share);
      return `${method.padEnd(12)} ${largest.map(({ name, share }) => `${name} ${percent(share)}`).join(', ')}`;
    }),
  );
}

/** A method by name, or an attention put into the base method's place. */
function entry(name: string, base: Method): Method {
  if (methodNames.some(known => known === name)) return methodByName(name);
  if (Object.hasOwn(attentions, name))
    return { ...base, name, variant: { ...base.variant, attention: attentions[name]! } };
  const known = [...new Set([...methodNames, ...Object.keys(attentions)])];
  throw new InputError(`--methods: unknown method or attention '${name}'${suggestion(name, known)}`);
}

function pixelsOf(path: string) {
  const { values, count, height, width } = readPixelFile(path);
  if (count === 1) return { values, height, width };
  throw new InputError(`${path}: expected one image, got ${count}`);
}

/** Small pictures are enlarged to where a panel can be made out; pixels stay square. */
function* legible(picture: Picture): Steps<Picture> {
  const times = Math.ceil(192 / Math.max(picture.width, picture.height));
  if (times < 2) return picture;
  return yield* resizeSteps(toRgb(picture), picture.width * times, picture.height * times, 'nearest');
}

/** One segmentation whose classes are all that any panel found, for the legend they share. */
function union(panels: readonly Segmentation[]): Segmentation {
  const [first] = panels;
  const classes = first!.classes.map((entry, i) => {
    const pixels = panels.reduce((sum, { classes }) => sum + classes[i]!.pixels, 0);
    return { ...entry, pixels, share: panels.reduce((sum, { classes }) => sum + classes[i]!.share, 0) / panels.length };
  });
  return { ...first!, classes };
}
