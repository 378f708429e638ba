import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Refused, refuses } from './refused.js';
import { scene } from './run.js';

const picture = '{}/a.png';
const segment = (...flags: string[]) => ['segment', picture, '--classes', 'sand; sky', ...flags];
const long = 'cat '.repeat(100);

/** Commands and flags. */
const usage: Refused[] = [
  [['segmnt', picture], /unknown command 'segmnt'; did you mean segment\?/],
  [['segmnt', '--help'], /unknown command 'segmnt'; did you mean segment\?/],
  [['help', 'segmnt'], /unknown command 'segmnt'; did you mean segment\?/],
  [['--clases'], /unknown option '--clases'/],
  [['segment', picture, '--clases', 'a'], /unknown option '--clases' \(Did you mean --classes\?\)/],
  [['segment', '--classes', 'a'], /missing required argument 'image'/],
  [['segment', picture, '--classes'], /'--classes <names>' argument missing/],
  [['embed', '--text'], /'--text <text\.\.\.>' argument missing/],
  [['compare', picture, picture, '--classes', 'a'], /too many arguments for 'compare'\. Expected 1 argument but got 2/],
  [['convert', picture], /required option '-o, --output <dir>' not specified/],
];

/** Values of flags. */
const values: Refused[] = [
  [['tokenize', 'a', '--context', '1'], /'1' is invalid\. Expected a whole number from 2 up/],
  [['tokenize', 'a', '--context', '1e3'], /'1e3' is invalid\. Expected a whole number from 2 up/],
  [segment('--blocks', '1.5'), /Expected a whole number from 1 up/],
  ...[
    segment('--blocks', '6'),
    ['compare', picture, '--classes', 'a', '--blocks', '6'],
    ['inspect', picture, '--blocks', '6'],
    ['inspect', '--list', '--model', 'ViT-B/16', '--blocks', '13'],
    ['embed', picture, '--blocks', '6'],
    ['export', 'sclip', '--blocks', '6', '-o', 'sclip.onnx'],
  ].map(args => [args, /--blocks: expected at most the (5|12) blocks of the model, got (6|13)/] as const),
  [segment('--short-side', '99999999999999999999'), /Expected a whole number from 1 up/],
  [segment('--window', '-1'), /Expected a whole number from 0 up/],
  [segment('--background', '2'), /Expected a number from 0 to 1/],
  [segment('--area', ''), /Expected a number from 0 to 1/],
  [segment('--scale', '0'), /Expected a number from 0\.000001 to 1000000/],
  [segment('--residual', 'Infinity'), /Expected 'on', 'off' or a number/],
  [segment('--threads', '0'), /Expected a whole number from 1 to 256/],
  [['train', 'clip', '--config', 'x', '-o', 'x', '--threads', '257'], /Expected a whole number from 1 to 256/],
  [segment('--ffn', '1'), /Expected 'on' or 'off'/],
  [['preprocess', picture, '--pixels', 'pillow'], /Allowed choices are openai, huggingface/],
  [['convert', picture, '-o', 'x', '--dtype', 'f8'], /Allowed choices are f32, f16, bf16/],
  [segment('--window', '12', '--stride', '24'), /a stride of 24 leaves gaps between windows of 12/],
  [segment('--short-side', '99999', '--window', '12', '--stride', '1'), /\d+ windows, at most 65536/],
  [segment('--pamr', '1000000000'), /steps: expected a whole number from 0 to 10000, got 1000000000/],
];

/** Names of things. */
const names: Refused[] = [
  [segment('--method', 'sclp'), /unknown method 'sclp'; did you mean sclip/],
  [segment('--method', '__proto__'), /unknown method '__proto__'; known: clip, maskclip, sclip,/],
  [segment('--attention', 'cas'), /unknown attention 'cas'; did you mean.* csa/],
  [segment('--positions', 'strech'), /unknown positions mode 'strech'; did you mean stretch\?/],
  [segment('--engine', 'wsam'), /unknown engine 'wsam'; did you mean wasm\?/],
  [segment('--model', 'no-such/model'), /'no-such\/model': no such .*'clipscope pull no-such\/model'/],
  [segment('--model', ''), /model: expected a folder, a file or a hub id, got nothing/],
  [
    ['inspect', picture, '--see', 'blocks.*.attn.qq'],
    /no point 'blocks\.\*\.attn\.qq'; nearest: image\.blocks\.0\.attn\.q,/,
  ],
  [['inspect', picture, '--see', 'tokens,,pooled'], /--see: expected names separated by commas/],
  [['inspect', '--text', 'a', '--see', 'ln_pre'], /text tower: there is no point 'ln_pre'; nearest: text\./],
  [['compare', picture, '--classes', 'a', '--methods', 'clip,sclop'], /unknown method or attention 'sclop'; .*sclip/],
  [['compare', picture, '--classes', 'a', '--methods', 'clip,clip'], /'clip' is there twice/],
  [['classify', picture, '--classes', 'a', '--templates', 'photos'], /'photos' is no set.*did you mean photo\?/],
];

/** Texts and classes. */
const texts: Refused[] = [
  [['segment', picture], /expected --classes or --classes-file, got neither/],
  [['classify', picture, '--classes', 'a', '--classes-file', '{}/names.txt'], /--classes or --classes-file, got both/],
  [['segment', picture, '--classes', ' '], /--classes: expected names such as/],
  [['segment', picture, '--classes', 'a;;b'], /class 2: a name is empty/],
  [['segment', picture, '--classes', 'a cat; sofa; A  Cat'], /class 3: the name .A Cat. stands in class 1 already/],
  [['segment', picture, '--classes-file', '{}/twice.txt'], /twice\.txt: class 2: the name .tree. /],
  [['segment', picture, '--classes-file', '{}/empty.txt'], /empty\.txt: expected at least one class name/],
  [['segment', picture, '--classes-file', '{}/missing.txt'], /missing\.txt: cannot be read: no such file/],
  [['segment', picture, '--classes-file', '{}/a.png'], /a\.png: expected UTF-8 text/],
  [['segment', picture, '--classes', long], /at most 32 tokens, got \d+ from /],
  [['embed'], /embed: expected pictures or --text, got neither/],
  [['embed', picture, '--text', 'a'], /embed: expected pictures or --text, got both/],
  [['embed', '--text', 'a', long], /text 1: expected at most 32 tokens, got 102 from .cat cat /],
  [['inspect', picture, '--text', 'a', '--list'], /inspect: expected a picture or --text, got both/],
  [['tokenize'], /tokenize: expected texts or --file, got neither/],
  [['tokenize', 'a', '--file', '{}/names.json'], /tokenize: expected texts or --file, got both/],
  [
    ['tokenize', 'a', long],
    /text 1: expected at most 77 tokens, got 102 from .cat cat .*; shorten the text or truncate it/,
  ],
  [['tokenize', '--file', '{}/mixed.json'], /mixed\.json: expected strings only, entry 1 is number/],
  [['tokenize', '--file', '{}/object.json'], /object\.json: expected a JSON array of strings/],
  [['tokenize', '--file', '{}/names.txt'], /names\.txt: not valid JSON: expected a value/],
];

/** Names that would write to the terminal: a colour, a line end, a turned reading order. */
const evil = 'x\u001b[31m\ny\u202e';
const shown = /x\\u\{001b\}\[31m y\\u\{202e\}/;
const unprintable: Refused[] = [
  [[`seg${evil}`], shown],
  [segment(`--${evil}`), shown],
  [segment('--model', evil), shown],
  [['embed', `{}/${evil}.png`], shown],
  [['embed', `{}/missing-${evil}.png`], shown],
  [['inspect', picture, '--see', evil], shown],
  [segment('-o', `{}/${evil}/o.png`), shown],
];

function prepare(dir: string): void {
  copyFileSync(scene(1), join(dir, 'a.png'));
  writeFileSync(join(dir, `${evil}.png`), 'no picture');
  writeFileSync(join(dir, 'names.txt'), 'sky\nsea, ocean\n');
  writeFileSync(join(dir, 'twice.txt'), 'tree\ntree, oak\n');
  writeFileSync(join(dir, 'empty.txt'), '\n \n');
  writeFileSync(join(dir, 'names.json'), '["a"]');
  writeFileSync(join(dir, 'mixed.json'), '["a", 3]');
  writeFileSync(join(dir, 'object.json'), '{"a": "b"}');
  mkdirSync(join(dir, 'folder'));
}

for (const [what, cases] of Object.entries({ usage, values, names, texts, unprintable })) {
  describe(`clipscope refuses: ${what}`, () => refuses(cases, prepare));
}
