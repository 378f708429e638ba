/** Flags that several commands share, and what their values mean. */
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../errors.js';
import { methodNames } from '../segment/protocols.js';
import { type Quantization, quantizations, runnerNames } from '../tensor/names.js';
import { mostThreads } from '../tensor/threads.js';

/** The model that comes with the package. */
export const embeddedModel = fileURLToPath(new URL('../../weights/scenes', import.meta.url));

export interface ModelFlags {
  model: string;
  activation?: 'quick_gelu' | 'gelu';
  quantize?: Quantization;
  quiet?: boolean;
  json?: boolean;
}

/** Which model, in which precision, and `--quiet` and `--json`. */
export function withWeights(command: Command): Command {
  const model = new Option('--model <dir|file|hub-id>', 'weights: a folder, a file, or a pulled id');
  const activation = new Option('--activation <name>', 'the activation, which bare weights do not tell');
  const quantize = new Option('--quantize <kind>', 'linear maps in eight-bit whole numbers: faster, less exact');
  return withOutput(
    command
      .addOption(model.default(embeddedModel, 'the embedded model'))
      .addOption(activation.choices(['quick_gelu', 'gelu']))
      .addOption(quantize.choices(quantizations)),
  );
}

export interface CommonFlags extends ModelFlags {
  engine?: string;
  threads?: number;
}

/** What every command that runs a model takes: the model, and what computes it. */
export function withModel(command: Command): Command {
  const engines = runnerNames.join(', ');
  return withWeights(command)
    .option('--engine <name>', `what computes: ${engines} (default: ort where it is installed, else wasm)`)
    .option('--threads <n>', 'threads of engines ort and node; wasm and cpu have one', threadCount);
}

/** `--quiet` and `--json`. */
export function withOutput(command: Command): Command {
  return command
    .option('--quiet', 'no progress, no messages')
    .option('--json', 'exactly one JSON object on standard output');
}

export interface VariantFlags {
  method?: string;
  attention?: string;
  residual?: boolean | number;
  ffn?: boolean;
  blocks?: number;
  positions?: string;
}

/** @throws InputError for flags of the image tower where the text tower is asked for. */
export function checkNoVariant(command: string, flags: VariantFlags): void {
  const { method, attention, residual, ffn, blocks, positions } = flags;
  const given = Object.entries({ method, attention, residual, ffn, blocks, positions });
  const [stray] = given.filter(([, value]) => value !== undefined);
  if (stray) throw new InputError(`${command}: --${stray[0]} changes the image tower; leave it out with --text`);
}

/** The flags that change the last blocks. */
export function withVariant(command: Command, defaultMethod: string): Command {
  return command
    .option('--method <name>', `${methodNames.join(', ')} (default: ${defaultMethod})`)
    .option('--attention <name>', "qk, qq, kk, vv, csa, identity, naclip, gem, in place of the method's")
    .option(
      '--residual <on|off|alpha>',
      'input + alpha x attention; off: attention alone (default: by method)',
      onOffOrNumber,
    )
    .option('--ffn <on|off>', 'feed-forward of the changed blocks (default: by method)', onOff)
    .option('--blocks <n>', 'how many last blocks change (default: by method)', wholeNumber(1))
    .option('--positions <mode>', 'stretch, exact, antialias, bilinear (default: by method)');
}

/** `--exif`: whether pictures are turned as their camera says. */
export function withExif(command: Command): Command {
  const description = 'turn pictures as their EXIF orientation says; off matches the Python libraries, which do not';
  return command.addOption(new Option('--exif <on|off>', description).argParser(onOff).default(true, 'on'));
}

/** A whole number from `least` up, to `most` where that is given. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `from ${least} up`;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };
}

/** `--threads`. */
export const threadCount = wholeNumber(1, mostThreads);

/** A number from `least` to `most`. */
export function numberWithin(least: number, most: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
  };
}

export function onOff(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new InvalidArgumentError("Expected 'on' or 'off'.");
}

function onOffOrNumber(text: string): boolean | number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  if (text === 'on' || text === 'off') return text === 'on';
  throw new InvalidArgumentError("Expected 'on', 'off' or a number.");
}

/** @throws InputError unless exactly one of two ways of saying something was used. */
export function exactlyOne(command: string, first: [string, boolean], second: [string, boolean]): void {
  if (first[1] !== second[1]) return;
  throw new InputError(`${command}: expected ${first[0]} or ${second[0]}, got ${first[1] ? 'both' : 'neither'}`);
}
