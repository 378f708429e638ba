import { Command, Option } from 'commander';
import { convertCheckpoint, convertDtypes } from '../../checkpoint/convert.js';
import { withOutput } from '../flags.js';
import { print } from '../output.js';

interface Flags {
  output: string;
  dtype?: keyof typeof convertDtypes;
  activation?: 'quick_gelu' | 'gelu';
  json?: boolean;
}

export function command(description: string): Command {
  return withOutput(new Command('convert'))
    .description(description)
    .argument(
      '<in>',
      'a folder or file: safetensors, shards, or any PyTorch form; OpenAI, OpenCLIP or Hugging Face names',
    )
    .requiredOption('-o, --output <dir>', 'folder for model.safetensors, config.json and preprocessor_config.json')
    .addOption(new Option('--dtype <name>', 'round to (default: as stored)').choices(Object.keys(convertDtypes)))
    .addOption(
      new Option('--activation <name>', 'the activation, which bare weights do not tell').choices([
        'quick_gelu',
        'gelu',
      ]),
    )
    .action((input: string, { output, dtype, activation, json }: Flags) => {
      const options = { ...(dtype && { dtype }), ...(activation && { activation }) };
      const { tensors, bytes, config } = convertCheckpoint(input, output, options);
      print({ ...(json && { json }) }, { tensors, bytes, config }, () => [
        `${tensors} tensors, ${bytes} bytes -> ${output}`,
      ]);
    });
}
