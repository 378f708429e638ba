import { Command } from 'commander';
import { fromFloat32 } from '../../files/dtype.js';
import { writeSafetensors } from '../../files/safetensors/write.js';
import { openTextEncoder } from '../../model/textEncoder.js';
import {
  type CommonFlags,
  checkNoVariant,
  exactlyOne,
  type VariantFlags,
  withExif,
  withModel,
  withVariant,
} from '../flags.js';
import { checkTensorOutput } from '../inputs.js';
import { eachImage, imageCount, methodFrom, modelFrom, pixelsFor, prepareImage, withClip } from '../model.js';
import { print } from '../output.js';

interface Flags extends CommonFlags, VariantFlags {
  text?: string[];
  output?: string;
  exif: boolean;
}

export function command(description: string): Command {
  return withExif(withVariant(withModel(new Command('embed')), 'clip'))
    .description(description)
    .argument('[image...]', 'pictures, or .safetensors files with ready pixels [n, 3, h, w]')
    .option('--text <text...>', 'texts in place of pictures')
    .option('-o, --output <file>', "where the tensor 'embedding' [n, dim] goes, .safetensors")
    .action(async (images: string[], flags: Flags) => {
      exactlyOne('embed', ['pictures', images.length > 0], ['--text', flags.text !== undefined]);
      if (flags.text) checkNoVariant('embed', flags);
      const method = methodFrom(flags, 'clip');
      if (flags.output !== undefined) checkTensorOutput(flags.output, images);
      const batches = flags.text ? [] : await pixelsFor(modelFrom(flags), images, flags);
      const [values, dim] = await withClip(
        flags,
        { towers: [flags.text ? 'text' : 'image'], runs: flags.text ? flags.text.length : imageCount(batches) },
        async (clip, runner) => {
          const { embedding } = clip.config;
          if (flags.text) {
            const encoder = await openTextEncoder(clip, runner);
            return [await encoder.encode(clip.tokenizer.encodeBatch(flags.text)), embedding] as const;
          }
          const options = { last: method.variant, positions: method.protocol.positions };
          const embed = await prepareImage(runner, pixels => clip.image(pixels, options).embedding);
          const rows = await eachImage(batches, flags, async pixels => (await embed(pixels)).data);
          const all = new Float32Array(rows.length * embedding);
          rows.forEach((row, i) => {
            all.set(row, i * embedding);
          });
          return [all, embedding] as const;
        },
      );
      const count = values.length / dim;
      if (flags.output !== undefined) {
        const embedding = { dtype: 'F32', shape: [count, dim], bytes: fromFloat32('F32', values) } as const;
        writeSafetensors(flags.output, [['embedding', embedding]]);
      }
      print(flags, { dim, count }, () =>
        flags.output === undefined
          ? Array.from({ length: count }, (_, i) => values.subarray(i * dim, (i + 1) * dim).join(' '))
          : [`${count} x ${dim} -> ${flags.output}`],
      );
    });
}
