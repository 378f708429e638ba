/**
 * CLIP's vocabulary: 256 bytes, the same 256 at the end of a word, 48,894 merges of two earlier symbols, and two tokens
 * for the start and the end of a text. The file lists the merges, one pair a line, most frequent first.
 * Source: `SimpleTokenizer` of OpenAI's `clip/simple_tokenizer.py`.
 */
import { InputError } from '../errors.js';
import { type ByteSource, binaryText } from '../files/byteSource.js';
import { quoted } from '../files/quote.js';
import { maxFileSize } from './limits.js';
import { gunzip, openVocabulary } from './vocabularyFile.js';

const MERGES = 48_894;
const FIRST_MERGE = 512;
/** Id of the token that begins every text. */
export const START_OF_TEXT = FIRST_MERGE + MERGES;
/** Id of the token that ends every text, the largest; the text tower pools there. */
export const END_OF_TEXT = START_OF_TEXT + 1;
/** Number of tokens. */
export const VOCABULARY_SIZE = END_OF_TEXT + 1;

const WORD_END = '</w>';

const encoder = new TextEncoder();

/** The merges in a form that is quick to ask. Ids are symbols and tokens alike. */
export interface Vocabulary {
  /** The symbol of each byte inside a word; 256 more at a word's end. */
  readonly symbolOfByte: Uint16Array;
  /** The byte of each of the first 256 symbols. */
  readonly byteOfSymbol: Uint8Array;
  /** The two symbols of merge `i`, whose result is symbol `512 + i`. */
  readonly lefts: Uint16Array;
  readonly rights: Uint16Array;
  /** A hash table with open addressing: pairs, `left * 65536 + right`, and the symbol each merges to; 0 in free slots. */
  readonly pairs: Uint32Array;
  readonly merged: Uint16Array;
}

const TABLE_BITS = 17;

function slotOf(vocabulary: Pick<Vocabulary, 'pairs' | 'merged'>, pair: number): number {
  let slot = Math.imul(pair, 0x9e3779b1) >>> (32 - TABLE_BITS);
  while (vocabulary.merged[slot] !== 0 && vocabulary.pairs[slot] !== pair) slot = (slot + 1) & ((1 << TABLE_BITS) - 1);
  return slot;
}

/** The symbol that two neighbours merge to, or 0 when they do not. A smaller symbol is merged first. */
export function mergeOf(vocabulary: Vocabulary, left: number, right: number): number {
  return vocabulary.merged[slotOf(vocabulary, left * 65536 + right)]!;
}

/** GPT-2's character for each byte, in the order of the first 256 symbols: printable ones are themselves. */
function byteCharacters(): { byte: number; character: string }[] {
  const isPrintable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  const all = Array.from({ length: 256 }, (_, byte) => byte);
  const printable = all.filter(isPrintable).map(byte => ({ byte, character: String.fromCharCode(byte) }));
  const others = all.filter(byte => !isPrintable(byte));
  return [...printable, ...others.map((byte, i) => ({ byte, character: String.fromCharCode(256 + i) }))];
}

/** CLIP's file lists five times the merges that are used; this much of it holds those. */
const usedPart = 256 * 1024;

/** The first `length` bytes of the file, unpacked, with UTF-8 bytes for characters: shorter, and as good to compare. */
function unpack(source: ByteSource, length: number): string {
  const bytes = source.read(0, length);
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return binaryText(packed ? gunzip(bytes, length === source.size, source.name) : bytes);
}

/** Calls `use` with the two sides of each merge; false when the text has too few lines. */
function eachMerge(text: string, use: (left: string, right: string, merge: number) => void): boolean {
  let at = text.indexOf('\n') + 1;
  for (let merge = 0; merge < MERGES; merge++) {
    const end = text.indexOf('\n', at);
    if (end < 0 || at === 0) return false;
    const blank = text.indexOf(' ', at);
    const middle = blank < 0 || blank > end ? end : blank;
    use(text.slice(at, middle), text.slice(middle + 1, end), merge);
    at = end + 1;
  }
  return true;
}

function build(name: string, text: string): Vocabulary | undefined {
  const symbols = new Map<string, number>();
  const symbolOfByte = new Uint16Array(256);
  const byteOfSymbol = new Uint8Array(256);
  byteCharacters().forEach(({ byte, character }, i) => {
    symbolOfByte[byte] = i;
    byteOfSymbol[i] = byte;
    const bytes = binaryText(encoder.encode(character));
    symbols.set(bytes, i).set(bytes + WORD_END, 256 + i);
  });
  const lefts = new Uint16Array(MERGES);
  const rights = new Uint16Array(MERGES);
  const pairs = new Uint32Array(1 << TABLE_BITS);
  const merged = new Uint16Array(1 << TABLE_BITS);
  const badLine = (expected: string, left: string, right: string, merge: number) => {
    return new InputError(`${name}: line ${merge + 2}: expected ${expected}, got ${quoted(`${left} ${right}`)}`);
  };
  const complete = eachMerge(text, (left, right, merge) => {
    const a = symbols.get(left);
    const b = symbols.get(right);
    if (a === undefined || b === undefined) throw badLine('two symbols of earlier lines', left, right, merge);
    symbols.set(left + right, FIRST_MERGE + merge);
    if (symbols.size <= FIRST_MERGE + merge) throw badLine('a new symbol', left, right, merge);
    lefts[merge] = a;
    rights[merge] = b;
    const slot = slotOf({ pairs, merged }, a * 65536 + b);
    pairs[slot] = a * 65536 + b;
    merged[slot] = FIRST_MERGE + merge;
  });
  return complete ? { symbolOfByte, byteOfSymbol, lefts, rights, pairs, merged } : undefined;
}

/**
 * Reads a vocabulary: CLIP's own when no file is named. The file is a list of merges as OpenAI ships it, packed by gzip
 * or plain; a path, or its bytes.
 * @throws InputError when the file cannot be read, is too large, or does not list CLIP's number of sound merges.
 */
export function readVocabulary(file?: string | Uint8Array): Vocabulary {
  const source = openVocabulary(file);
  try {
    if (source.size > maxFileSize) {
      throw new InputError(`${source.name}: expected a list of merges, got a file of ${source.size} bytes`);
    }
    const part = source.size > usedPart ? build(source.name, unpack(source, usedPart)) : undefined;
    const vocabulary = part ?? build(source.name, unpack(source, source.size));
    if (vocabulary) return vocabulary;
    throw new InputError(`${source.name}: expected a header line and ${MERGES} merges, got fewer lines`);
  } finally {
    source.close();
  }
}

/** Appends the bytes of a token to `out`; the end of a word is the four bytes `</w>`, as in the file. */
export function appendTokenBytes(vocabulary: Vocabulary, token: number, out: number[]): void {
  if (token >= START_OF_TEXT) {
    out.push(...encoder.encode(token === START_OF_TEXT ? '<|startoftext|>' : '<|endoftext|>'));
    return;
  }
  // A stack of our own: in a vocabulary made for it the merges nest deeper than calls may.
  const waiting = [token];
  for (let symbol = waiting.pop(); symbol !== undefined; symbol = waiting.pop()) {
    if (symbol >= FIRST_MERGE) {
      waiting.push(vocabulary.rights[symbol - FIRST_MERGE]!, vocabulary.lefts[symbol - FIRST_MERGE]!);
    } else {
      out.push(vocabulary.byteOfSymbol[symbol & 255]!);
      if (symbol > 255) out.push(...encoder.encode(WORD_END));
    }
  }
}
