import { Command } from 'commander';
import type { ModelDescription } from '../../checkpoint/loadClip.js';
import { InputError } from '../../errors.js';
import { fromFloat32 } from '../../files/dtype.js';
import { writeSafetensors } from '../../files/safetensors/write.js';
import { clipPreprocess } from '../../image/preprocess.js';
import { gridOf, namedConfigs } from '../../model/config.js';
import { imagePoints, textPoints } from '../../model/pointNames.js';
import type { Seen } from '../../model/points.js';
import type { Method } from '../../segment/methods.js';
import type { Mapped, Values } from '../../tensor/compile.js';
import type { Tensor2D } from '../../tensor/tfjs.js';
import {
  type CommonFlags,
  checkNoVariant,
  exactlyOne,
  type VariantFlags,
  withExif,
  withModel,
  withVariant,
} from '../flags.js';
import { checkFolder, checkTensorOutput } from '../inputs.js';
import {
  checkDepth,
  eachImage,
  imageCount,
  methodFrom,
  modelFrom,
  pixelsFor,
  prepareImage,
  withClip,
} from '../model.js';
import { print } from '../output.js';
import { type SeenPoint, writePointPictures } from '../pointPictures.js';

interface Flags extends CommonFlags, VariantFlags {
  text?: string;
  see?: string;
  list?: boolean;
  output?: string;
  pictures?: string;
  exif: boolean;
}

/** Without `--see`: the residual stream and the ends, which say most for least. */
const usual = ['blocks.*.resid_post', 'tokens', 'pooled', 'embedding'];

export function command(description: string): Command {
  return withExif(withVariant(withModel(new Command('inspect')), 'clip'))
    .description(description)
    .argument('[image]', 'a picture, or a .safetensors file with ready pixels [n, 3, h, w]')
    .option('--text <text>', 'a text in place of a picture')
    .option('--see <names>', `points or globs, comma-separated (default: ${usual.join(',')})`)
    .option('--list', 'names and shapes of every point; no weights are read')
    .option('-o, --output <file>', 'one tensor a point under its full name, .safetensors')
    .option(
      '--pictures <dir>',
      'contact sheets: attention of the class token by block and head, lengths of tokens by block',
    )
    .action(async (image: string | undefined, flags: Flags) => {
      const asked = image !== undefined || flags.text !== undefined;
      if (!flags.list || asked) {
        exactlyOne('inspect', ['a picture', image !== undefined], ['--text', flags.text !== undefined]);
      }
      if (flags.text !== undefined) checkNoVariant('inspect', flags);
      const method = methodFrom(flags, 'clip');
      if (flags.list) return listPoints(flags, image, method);
      if (flags.output !== undefined) checkTensorOutput(flags.output, image === undefined ? [] : [image]);
      if (flags.pictures !== undefined) checkFolder(flags.pictures);
      const see = flags.see === undefined ? usual : flags.see.split(',').map(name => name.trim());
      if (see.includes('')) throw new InputError(`--see: expected names separated by commas, got '${flags.see}'`);
      const batches = image === undefined ? [] : await pixelsFor(modelFrom(flags), [image], flags);
      const [points, grid] = await withClip(
        flags,
        { towers: [flags.text === undefined ? 'image' : 'text'], runs: imageCount(batches) },
        async (clip, runner) => {
          if (flags.text !== undefined) {
            const { context } = clip.config.text!;
            const look = await runner.prepare(
              (ids: Tensor2D) => clip.textIds(ids, { see }).seen,
              [{ shape: [1, context], dtype: 'int32' }],
            );
            const data = new Int32Array(context);
            data.set(clip.tokenizer.encode(flags.text));
            return [pointsOf(await look({ data, shape: [1, context] })), undefined] as const;
          }
          const options = { see, last: method.variant, positions: method.protocol.positions };
          const look = await prepareImage(runner, pixels => clip.image(pixels, options).seen);
          const runs = await eachImage(batches, flags, async pixels => pointsOf(await look(pixels)));
          const { height, width } = batches[0]!;
          return [stacked(runs), gridOf(clip.config.image!, height, width)] as const;
        },
      );
      if (flags.pictures !== undefined) await writePointPictures(flags.pictures, points, grid);
      if (flags.output !== undefined) {
        const tensors = points.map(({ name, shape, values }) => {
          return [name, { dtype: 'F32', shape, bytes: fromFloat32('F32', values) }] as const;
        });
        writeSafetensors(flags.output, tensors);
      }
      const described = points.map(({ name, shape, values }) => ({ name, shape, ...statistics(values) }));
      print(flags, { points: described }, () => table(described));
    });
}

/** Of the tower that was asked about, or of both; `--model` may also name an architecture, such as ViT-L/14. */
async function listPoints(flags: Flags, image: string | undefined, { variant }: Method): Promise<void> {
  const model = architectureOf(flags);
  const { config } = model;
  const [batch] = image === undefined ? [] : await pixelsFor(model, [image], flags);
  const size = batch && { batch: batch.count, height: batch.height, width: batch.width };
  const points = [
    ...(config.image && flags.text === undefined ? imagePoints(config.image, config.embedding, size, variant) : []),
    ...(config.text && image === undefined ? textPoints(config.text, config.embedding) : []),
  ];
  if (points.length === 0) {
    throw new InputError(`model '${flags.model}': it has no ${image === undefined ? 'text' : 'image'} tower`);
  }
  print(flags, { points }, () => points.map(({ name, shape }) => `${name}  [${shape.join(', ')}]`));
}

function architectureOf(flags: Flags): Pick<ModelDescription, 'config' | 'preprocessor'> {
  if (!Object.hasOwn(namedConfigs, flags.model)) return modelFrom(flags);
  const config = namedConfigs[flags.model]!;
  checkDepth(flags, { config });
  return { config, preprocessor: clipPreprocess(config.image!.imageSize) };
}

const pointsOf = (seen: Mapped<Seen, Values>): SeenPoint[] =>
  Object.entries(seen).map(([name, { shape, data }]) => ({ name, shape, values: data as Float32Array }));

/** The same points of several images as one batch. */
function stacked(runs: readonly SeenPoint[][]): SeenPoint[] {
  if (runs.length === 1) return runs[0]!;
  return runs[0]!.map(({ name, shape, values }, at) => {
    const all = new Float32Array(runs.length * values.length);
    runs.forEach((run, i) => {
      all.set(run[at]!.values, i * values.length);
    });
    return { name, shape: [runs.length, ...shape.slice(1)], values: all };
  });
}

/** Length of all values as one vector, their mean and (population) standard deviation. */
function statistics(values: Float32Array) {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  let spread = 0;
  for (const value of values) spread += (value - mean) ** 2;
  return { norm: Math.sqrt(squares), mean, std: Math.sqrt(spread / values.length) };
}

function table(
  points: readonly { name: string; shape: readonly number[]; norm: number; mean: number; std: number }[],
): string[] {
  const width = Math.max(...points.map(({ name }) => name.length));
  return points.map(({ name, shape, norm, mean, std }) => {
    const figures = `norm ${norm.toPrecision(6)}  mean ${mean.toPrecision(4)}  std ${std.toPrecision(4)}`;
    return `${name.padEnd(width)}  [${shape.join(', ')}]  ${figures}`;
  });
}
