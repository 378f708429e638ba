import { Command } from 'commander';
import { pull } from '../../checkpoint/pull.js';
import { withOutput } from '../flags.js';
import { print, withProgress } from '../output.js';

interface Flags {
  revision?: string;
  endpoint?: string;
  dir?: string;
  sha256?: string;
  quiet?: boolean;
  json?: boolean;
}

export function command(description: string): Command {
  return withOutput(new Command('pull'))
    .description(`${description}; or an OpenAI checkpoint by name (openai:ViT-B/16) or URL`)
    .argument('<hub-id>', 'such as openai/clip-vit-base-patch16')
    .option('--revision <name>', 'branch, tag or commit (default: main)')
    .option('--endpoint <url>', 'the hub (default: $HF_ENDPOINT, or https://huggingface.co); $HF_TOKEN is sent to it')
    .option('--dir <folder>', 'where to (default: the cache, where --model finds it by its id)')
    .option('--sha256 <hex>', 'what a file pulled by its URL must hash to')
    .action(async (id: string, { json, quiet, ...options }: Flags) => {
      const flags = { ...(json && { json }), ...(quiet && { quiet }) };
      const pulled = await withProgress('bytes', flags, update =>
        pull(id, { ...options, onProgress: ({ done, total }) => update(done, total ?? done) }),
      );
      const { dir, revision, files } = pulled;
      print(flags, { dir, revision, files }, () => [
        ...files.map(({ name, bytes, fromCache }) => `${name}  ${bytes}${fromCache ? '  (had it)' : ''}`),
        dir,
      ]);
    });
}
