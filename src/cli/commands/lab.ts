import { Command, Option } from 'commander';
import { startServer } from '../../lab/server/server.js';
import { labRoutes } from '../../lab/server/site.js';
import { embeddedModel, wholeNumber, withOutput } from '../flags.js';
import { print } from '../output.js';
import { stopOnSignal } from '../stop.js';

interface Flags {
  port: number;
  model: string;
  quiet?: boolean;
  json?: boolean;
}

export function command(description: string): Command {
  const model = new Option('--model <dir|file|hub-id>', 'weights as safetensors; the page can also be given a folder');
  return withOutput(new Command('lab'))
    .description(description)
    .option(
      '--port <n>',
      'where it listens on this computer; 0 for any port that is free',
      wholeNumber(0, 65_535),
      8321,
    )
    .addOption(model.default(embeddedModel, 'the embedded model'))
    .addHelpText(
      'after',
      '\nEverything is computed in the browser. Only this computer can reach the page. Ctrl-C ends it.',
    )
    .action(serve);
}

/** Serves until it is told to stop, which is no failure: that is how a server ends. */
async function serve(flags: Flags): Promise<void> {
  const name = flags.model === embeddedModel ? 'embedded' : flags.model;
  const server = await startServer(await labRoutes({ model: flags.model, name }), flags.port);
  const stop = stopOnSignal();
  try {
    print(flags, { url: server.url }, () => [`${server.url} has the lab; Ctrl-C ends it`]);
    await new Promise(resolve => stop.signal.addEventListener('abort', resolve));
  } finally {
    stop.release();
    await server.close();
  }
}
