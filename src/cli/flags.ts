/** Flags that several commands share, and what their values mean. */
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../errors.js';

/** The model that comes with the package. */
export const embeddedModel = fileURLToPath(new URL('../../weights/scenes', import.meta.url));

export interface CommonFlags {
  model: string;
  engine: string;
  threads?: number;
  activation?: 'quick_gelu' | 'gelu';
  quiet?: boolean;
  json?: boolean;
}

/** `--model`, `--engine`, `--threads`, `--quiet`, `--json`: what every command that runs a model takes. */
export function withModel(command: Command): Command {
  return withOutput(
    command
      .addOption(
        new Option('--model <dir|file|hub-id>', 'weights: a folder, a file, or a pulled id').default(
          embeddedModel,
          'the embedded model',
        ),
      )
      .option('--engine <name>', 'what computes: wasm, cpu, node, node-gpu', 'wasm')
      .option('--threads <n>', 'threads of engine node; wasm and cpu have one', wholeNumber(1))
      .addOption(
        new Option('--activation <name>', 'the activation, which bare weights do not tell').choices([
          'quick_gelu',
          'gelu',
        ]),
      ),
  );
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

/** The flags that change the last blocks. */
export function withVariant(command: Command, defaultMethod: string): Command {
  return command
    .option('--method <name>', `clip, maskclip, sclip, clearclip, naclip, gem, clipsurgery (default: ${defaultMethod})`)
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

/** A whole number from `least` up. */
export function wholeNumber(least: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} up.`);
  };
}

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
