import { Command, Option } from 'commander';
import { type LoadedClip, loadClip } from '../../checkpoint/loadClip.js';
import { InputError } from '../../errors.js';
import type { Method } from '../../segment/methods.js';
import { methodNames } from '../../segment/protocols.js';
import { type Exported, type ExportOptions, exportModel, type PortInfo } from '../../tensor/export.js';
import type { Pixels, Tensor2D } from '../../tensor/tfjs.js';
import { checkNoVariant, type ModelFlags, type VariantFlags, withExif, withVariant, withWeights } from '../flags.js';
import { methodFrom, modelFrom, pixelsFor } from '../model.js';
import { print } from '../output.js';

interface Flags extends ModelFlags, VariantFlags {
  text?: boolean;
  see?: string;
  weights: NonNullable<ExportOptions['weights']>;
  output: string;
  exif: boolean;
}

export function command(description: string): Command {
  return withExif(withVariant(withWeights(new Command('export')), 'clip'))
    .description(description)
    .argument('[image|method]', "a method, as --method; or a picture whose size is the model's input size")
    .requiredOption('-o, --output <file>', 'the model, .onnx; its weights go beside it, .onnx.data')
    .option('--text', 'the text tower in place of the image tower')
    .option('--see <names>', 'points or globs, comma-separated: further outputs under their full names')
    .addOption(
      new Option('--weights <place>', 'copy them beside the model, or refer to the .safetensors file they lie in')
        .choices(['copy', 'refer'])
        .default('copy'),
    )
    .addHelpText(
      'after',
      "\nThe image tower gives 'embedding' as CLIP, and 'tokens', the class token's row and one a patch, by any other way.",
    )
    .action(async (what: string | undefined, flags: Flags) => {
      if (flags.text && what !== undefined) throw new InputError(`export: expected --text or '${what}', got both`);
      if (flags.text) checkNoVariant('export', flags);
      const isMethod = methodNames.some(name => name === what);
      if (isMethod && flags.method !== undefined) {
        throw new InputError(`export: expected one method, got '${what}' and --method ${flags.method}`);
      }
      const method = methodFrom(isMethod ? { ...flags, method: what! } : flags, 'clip');
      const size = await inputSize(isMethod ? undefined : what, flags);
      const { activation, quantize, weights } = flags;
      const clip = await loadClip(flags.model, {
        towers: [flags.text ? 'text' : 'image'],
        weights: 'file',
        ...(activation && { activation }),
      });
      try {
        const options: ExportOptions = { weights, ...(quantize && { quantize }) };
        const exported = await (flags.text
          ? exportText(clip, flags, options)
          : exportImage(clip, method, size, flags, options));
        print(flags, exported, () => describe(exported, flags.output));
      } finally {
        clip.dispose();
      }
    });
}

/** Height and width of what the model is given: those of an image, or the model's own. */
async function inputSize(image: string | undefined, flags: Flags): Promise<readonly [number, number] | undefined> {
  const model = modelFrom(flags);
  if (image === undefined) return undefined;
  const [batch] = await pixelsFor(model, [image], flags);
  return [batch!.height, batch!.width];
}

const pointsFrom = ({ see }: Flags) => (see === undefined ? {} : { see: see.split(',').map(name => name.trim()) });

function exportImage(
  clip: LoadedClip,
  { variant, protocol }: Method,
  size: readonly [number, number] | undefined,
  flags: Flags,
  options: ExportOptions,
): Promise<Exported> {
  const { imageSize } = clip.config.image!;
  const [height, width] = size ?? [imageSize, imageSize];
  const plain = Object.keys(variant).length === 0;
  const tower = (pixels: Pixels) => {
    const run = { last: variant, positions: protocol.positions, ...pointsFrom(flags) };
    const { embedding, tokens, seen } = clip.image(pixels, run);
    return plain ? { embedding, seen } : { tokens, seen };
  };
  return exportModel(tower, [{ shape: ['batch', 3, height, width], name: 'pixels' }], flags.output, options);
}

function exportText(clip: LoadedClip, flags: Flags, options: ExportOptions): Promise<Exported> {
  const tower = (ids: Tensor2D) => {
    const { embedding, seen } = clip.textIds(ids, pointsFrom(flags));
    return { embedding, seen };
  };
  const { context } = clip.config.text!;
  return exportModel(tower, [{ shape: ['batch', context], dtype: 'int32', name: 'ids' }], flags.output, options);
}

const portLine = ({ name, dtype, shape }: PortInfo) => `${name}  ${dtype} [${shape.join(', ')}]`;

const describe = ({ inputs, outputs, bytes }: Exported, output: string): string[] => [
  ...inputs.map(port => `in   ${portLine(port)}`),
  ...outputs.map(port => `out  ${portLine(port)}`),
  `${bytes} bytes -> ${output}`,
];
