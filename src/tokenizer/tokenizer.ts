import { InputError } from '../errors.js';
import { quoted } from '../files/quote.js';
import { createWorkspace, encodeWord } from './bpe.js';
import { cleanText } from './clean.js';
import {
  appendTokenBytes,
  END_OF_TEXT,
  readVocabulary,
  START_OF_TEXT,
  VOCABULARY_SIZE,
  type Vocabulary,
} from './vocabulary.js';
import { splitWords } from './words.js';

/** What `createTokenizer` takes. */
export interface TokenizerOptions {
  /** How many tokens the text tower takes, start and end tokens among them; 77 when not given. */
  readonly contextLength?: number;
  /** A list of merges like CLIP's, packed by gzip or not: its path or its bytes; CLIP's own when not given. */
  readonly vocabulary?: string | Uint8Array;
}

/** How a text is encoded. */
export interface EncodeOptions {
  /** Cut a text that is too long, with the end token as its last, instead of refusing it. */
  readonly truncate?: boolean;
  /** In place of the tokenizer's own. */
  readonly contextLength?: number;
}

/** CLIP's byte-level byte-pair encoding with OpenAI's cleaning of the text. */
export interface Tokenizer {
  readonly contextLength: number;
  readonly startOfText: number;
  readonly endOfText: number;
  readonly vocabularySize: number;
  /**
   * The ids of a text, start and end tokens included, not padded: 2 to `contextLength` of them.
   * @throws InputError when the text is no string, or too long and `truncate` is not set.
   */
  encode(text: string, options?: EncodeOptions): number[];
  /** The ids of each text. @throws InputError as `encode`, naming the text by its index. */
  encodeBatch(texts: readonly string[], options?: EncodeOptions): number[][];
  /** `ids` with zeros behind, `contextLength` values. @throws InputError when there are more ids. */
  pad(ids: ArrayLike<number>, contextLength?: number): Int32Array;
  /**
   * The text of ids: a blank behind every word, U+FFFD for bytes that are no UTF-8. Start and end tokens show as
   * `<|startoftext|>` and `<|endoftext|>`, and zeros of padding as `!`, as with OpenAI.
   * @throws InputError when an id is not in the vocabulary.
   */
  decode(ids: Iterable<number>): string;
  /** What `encode` sees of a text: see {@link cleanText}. */
  clean(text: string): string;
}

const DEFAULT_CONTEXT_LENGTH = 77;

/** Words that are remembered: so many, each up to so many characters. */
const cacheSize = 16_384;
const cachedLength = 32;
/** Longer words get buffers of their own, which are not kept. */
const keptCapacity = 4096;

function checkContextLength(where: string, length: number): void {
  if (!Number.isSafeInteger(length) || length < 2) {
    throw new InputError(`${where}: expected a context length of at least 2, got ${String(length)}`);
  }
}

function checkText(where: string, text: unknown): asserts text is string {
  if (typeof text !== 'string') {
    const got = text === null ? 'null' : Array.isArray(text) ? 'an array' : typeof text;
    throw new InputError(`${where}: expected a text, got ${got}`);
  }
}

/**
 * Makes the tokenizer of CLIP (https://github.com/openai/CLIP, `clip/simple_tokenizer.py` and `clip.tokenize`).
 * It takes some 30 ms, spent on the vocabulary, so keep it.
 *
 * @example
 * const tokenizer = createTokenizer();
 * tokenizer.encode('a photo of a cat.'); // [49406, 320, 1125, 539, 320, 2368, 269, 49407]
 *
 * @throws InputError when the context length is not an integer above 1, or the vocabulary is not sound.
 */
export function createTokenizer(options: TokenizerOptions = {}): Tokenizer {
  const { contextLength = DEFAULT_CONTEXT_LENGTH } = options;
  checkContextLength('createTokenizer', contextLength);
  const vocabulary = readVocabulary(options.vocabulary);
  const wordTokens = createWordEncoder(vocabulary);

  function encode(text: string, { truncate = false, ...given }: EncodeOptions = {}, where = 'encode'): number[] {
    checkText(where, text);
    const limit = given.contextLength ?? contextLength;
    checkContextLength(where, limit);
    const ids = [START_OF_TEXT];
    for (const word of splitWords(cleanText(text))) {
      for (const token of wordTokens(word)) ids.push(token);
      if (truncate && ids.length >= limit) break;
    }
    ids.push(END_OF_TEXT);
    if (ids.length <= limit) return ids;
    if (!truncate) {
      throw new InputError(
        `${where}: expected at most ${limit} tokens, got ${ids.length} from ${quoted(text, 40)}; shorten the text or truncate it`,
      );
    }
    ids.length = limit;
    ids[limit - 1] = END_OF_TEXT;
    return ids;
  }

  return {
    contextLength,
    startOfText: START_OF_TEXT,
    endOfText: END_OF_TEXT,
    vocabularySize: VOCABULARY_SIZE,
    encode: (text, given) => encode(text, given),
    encodeBatch(texts, given) {
      if (!Array.isArray(texts)) throw new InputError(`encodeBatch: expected an array of texts, got ${typeof texts}`);
      return texts.map((text, i) => encode(text, given, `encodeBatch: text ${i}`));
    },
    pad(ids, length = contextLength) {
      checkContextLength('pad', length);
      if (ids.length > length) throw new InputError(`pad: expected at most ${length} ids, got ${ids.length}`);
      const padded = new Int32Array(length);
      padded.set(ids);
      return padded;
    },
    decode: ids => decode(vocabulary, ids),
    clean(text) {
      checkText('clean', text);
      return cleanText(text);
    },
  };
}

/** The tokens of a word, by a memory of short words that is emptied when full. */
function createWordEncoder(vocabulary: Vocabulary): (word: string) => readonly number[] {
  const kept = createWorkspace(keptCapacity);
  const special: readonly [string, number[]][] = [
    ['<|startoftext|>', [START_OF_TEXT]],
    ['<|endoftext|>', [END_OF_TEXT]],
  ];
  const cache = new Map(special);
  return word => {
    const known = cache.get(word);
    if (known) return known;
    const bytes = encoder.encode(word);
    const workspace = bytes.length <= keptCapacity ? kept : createWorkspace(bytes.length);
    const tokens = encodeWord(vocabulary, bytes, workspace);
    if (word.length > cachedLength) return tokens;
    if (cache.size >= cacheSize) {
      cache.clear();
      for (const [text, ids] of special) cache.set(text, ids);
    }
    cache.set(word, tokens);
    return tokens;
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function decode(vocabulary: Vocabulary, ids: Iterable<number>): string {
  const bytes: number[] = [];
  for (const id of ids) {
    if (!Number.isInteger(id) || id < 0 || id >= VOCABULARY_SIZE) {
      throw new InputError(`decode: expected ids from 0 to ${VOCABULARY_SIZE - 1}, got ${String(id)}`);
    }
    appendTokenBytes(vocabulary, id, bytes);
  }
  return decoder.decode(Uint8Array.from(bytes)).replaceAll('</w>', ' ');
}
