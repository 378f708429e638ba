import { Command, Option } from 'commander';
import { describeModel } from '../../checkpoint/loadClip.js';
import { InputError } from '../../errors.js';
import { fromFloat32 } from '../../files/dtype.js';
import { writeSafetensors } from '../../files/safetensors/write.js';
import { picturesHere } from '../../image/apart/pictures.js';
import { clipPreprocess, type PixelOrder, withSize } from '../../image/preprocess.js';
import { embeddedModel, wholeNumber, withExif, withOutput } from '../flags.js';
import { checkTensorOutput, modelPixels } from '../inputs.js';
import { print } from '../output.js';

interface Flags {
  model?: string;
  size?: number;
  pixels: PixelOrder;
  output?: string;
  exif: boolean;
  json?: boolean;
}

export function command(description: string): Command {
  return withExif(withOutput(new Command('preprocess')))
    .description(description)
    .argument('<image...>', 'pictures, or .safetensors files with ready pixels [n, 3, h, w]')
    .option(
      '--model <dir|file|hub-id>',
      "whose preprocessing (default: the embedded model's; with --size alone: OpenAI's)",
    )
    .option('--size <n>', 'side of the square the model sees, in pixels', wholeNumber(1))
    .addOption(
      new Option('--pixels <library>', "whose order of steps: openai's or huggingface's")
        .choices(['openai', 'huggingface'])
        .default('openai'),
    )
    .option('-o, --output <file>', "where the tensor 'pixels' [n, 3, size, size] goes, .safetensors")
    .action(async (images: string[], flags: Flags) => {
      if (flags.output !== undefined) checkTensorOutput(flags.output, images);
      const spec = specFrom(flags);
      const batches = await modelPixels(images, spec, picturesHere, { exif: flags.exif, order: flags.pixels });
      const { height, width } = batches[0]!;
      const odd = batches.findIndex(batch => batch.height !== height || batch.width !== width);
      if (odd >= 0) {
        throw new InputError(
          `${images[odd]}: ${batches[odd]!.width} x ${batches[odd]!.height} pixels, but ${images[0]} gives ${width} x ${height}`,
        );
      }
      const count = batches.reduce((sum, batch) => sum + batch.count, 0);
      if (flags.output !== undefined) {
        const values = new Float32Array(count * 3 * height * width);
        let at = 0;
        for (const batch of batches) {
          values.set(batch.values, at);
          at += batch.values.length;
        }
        const pixels = { dtype: 'F32', shape: [count, 3, height, width], bytes: fromFloat32('F32', values) } as const;
        writeSafetensors(flags.output, [['pixels', pixels]]);
      }
      print(flags, { count, size: height }, () => [`${count} x 3 x ${height} x ${width}`]);
    });
}

function specFrom({ model, size }: Flags) {
  if (model === undefined && size !== undefined) return clipPreprocess(size);
  const spec = describeModel(model ?? embeddedModel).preprocessor;
  return size === undefined ? spec : withSize(spec, size);
}
