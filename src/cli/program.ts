import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { InputError, suggestion } from '../errors.js';
import { reasonOf } from '../files/bytes.js';
import { printable } from '../files/quote.js';

/** A command by what `--help` says of it, and where the rest is. */
interface Entry {
  readonly description: string;
  /** Loads the command itself; only the one that is called pays for what it imports. */
  readonly load: () => Promise<{ readonly command: (description: string) => Command }>;
}

const entries: Readonly<Record<string, Entry>> = {
  segment: { description: 'open-vocabulary segmentation of pictures', load: () => import('./commands/segment.js') },
  classify: { description: 'zero-shot classification of pictures', load: () => import('./commands/classify.js') },
  embed: { description: 'unit-length embeddings of pictures or texts', load: () => import('./commands/embed.js') },
  tokenize: { description: 'token ids of texts', load: () => import('./commands/tokenize.js') },
  preprocess: { description: 'pixels as the model sees them', load: () => import('./commands/preprocess.js') },
  inspect: { description: 'every named intermediate of a run', load: () => import('./commands/inspect.js') },
  compare: { description: 'one picture by several methods, side by side', load: () => import('./commands/compare.js') },
  convert: {
    description: 'any known checkpoint to a Hugging Face style folder',
    load: () => import('./commands/convert.js'),
  },
  export: {
    description: 'a tower as an ONNX model, with any attention and points',
    load: () => import('./commands/export.js'),
  },
  pull: { description: 'download a model folder, checked and resumable', load: () => import('./commands/pull.js') },
  scenes: {
    description: 'a data set of procedural scenes with exact labels',
    load: () => import('./commands/scenes.js'),
  },
  train: { description: 'training, in a folder that can be gone on with', load: () => import('./commands/train.js') },
  evaluate: { description: 'mIoU of methods over a data set, resumable', load: () => import('./commands/evaluate.js') },
  analyze: {
    description: "ClearCLIP's studies, as tables, plots and words",
    load: () => import('./commands/analyze.js'),
  },
  lab: {
    description: 'CLIP in a page of your browser, to look into and to change',
    load: () => import('./commands/lab.js'),
  },
  worker: { description: 'a machine of an evaluation on many machines', load: () => import('./commands/worker.js') },
  bench: {
    description: 'speed and memory, alone or against other libraries',
    load: () => import('./commands/bench.js'),
  },
};

function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}

async function build(words: readonly string[]): Promise<Command> {
  const program = new Command('clipscope')
    .description('CLIP you can take apart: segment, classify, embed and look inside, offline')
    .version(version());
  const called = words.find(word => !word.startsWith('-') && word !== 'help');
  if (called !== undefined && !Object.hasOwn(entries, called)) {
    throw new InputError(`unknown command '${called}'${suggestion(called, Object.keys(entries))}`);
  }
  for (const [name, { description, load }] of Object.entries(entries)) {
    const command = name === called ? (await load()).command(description) : new Command(name).description(description);
    program.addCommand(command);
  }
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .configureOutput({ outputError: (text, write) => write(message(text.replace(/^error: /, ''))) });
  }
  return program;
}

/**
 * Runs one command line and returns the exit status: 0 done, 2 bad usage or bad input (one line on stderr), 1 a fault of
 * ours, with its stack.
 */
export async function run(words: readonly string[]): Promise<number> {
  process.stdout.on('error', error => {
    // A reader that has seen enough (`| head`) is no fault.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0);
    process.stderr.write(message(`standard output: cannot be written: ${reasonOf(error)}`));
    process.exit(1);
  });
  try {
    const program = await build(words);
    if (words.length === 0) {
      program.outputHelp({ error: true });
      return 2;
    }
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof InputError) {
      process.stderr.write(message(error.message));
      return 2;
    }
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return 1;
  }
}

/** Messages are one printable line each, whatever names from the user's files stand in them. */
const message = (text: string) => `clipscope: ${printable(text.trim().replace(/\s*[\r\n]+\s*/g, ' '))}\n`;
