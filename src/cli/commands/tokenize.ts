import { Command } from 'commander';
import { InputError } from '../../errors.js';
import { readText } from '../../files/bytes.js';
import { parseJson } from '../../files/json.js';
import { createTokenizer } from '../../tokenizer/index.js';
import { exactlyOne, wholeNumber, withOutput } from '../flags.js';
import { print } from '../output.js';

interface Flags {
  context: number;
  truncate?: boolean;
  file?: string;
  json?: boolean;
}

export function command(description: string): Command {
  return withOutput(new Command('tokenize'))
    .description(description)
    .argument('[text...]', 'texts')
    .option('--context <n>', 'longest text in tokens, start and end included', wholeNumber(2), 77)
    .option('--truncate', 'cut a text that is too long; without this it is an error')
    .option('--file <texts.json>', 'texts as a JSON array of strings')
    .action((texts: string[], flags: Flags) => {
      exactlyOne('tokenize', ['texts', texts.length > 0], ['--file', flags.file !== undefined]);
      const tokenizer = createTokenizer({ contextLength: flags.context });
      const all = flags.file === undefined ? texts : readTexts(flags.file);
      const ids = tokenizer.encodeBatch(all, { truncate: flags.truncate ?? false });
      print(flags, { ids }, () => ids.map(row => row.join(' ')));
    });
}

function readTexts(path: string): string[] {
  const json = parseJson(Buffer.from(readText(path)), path);
  if (!Array.isArray(json)) throw new InputError(`${path}: expected a JSON array of strings, got another JSON value`);
  const stray = json.findIndex(entry => typeof entry !== 'string');
  if (stray < 0) return json;
  const kind = json[stray] === null ? 'null' : typeof json[stray];
  throw new InputError(`${path}: expected strings only, entry ${stray} is ${kind}`);
}
