/**
 * A strict JSON reader that walks the text once and hands over each value where it stands. `JSON.parse` will not do for
 * a file's header: it keeps the last of two equal keys silently, takes 1e3 and 1.0 for integers, rounds those beyond
 * 2^53, and builds everything before anything can be refused.
 */
import { InputError } from '../errors.js';
import { quoted } from './quote.js';

/** Where a reader stands in its text. */
export interface JsonCursor {
  readonly text: string;
  /** Index of the next character. */
  at: number;
  /** The keys that lead to the value being read, outermost first. */
  readonly path: string[];
  /** What error messages call the source and the value under a path. */
  readonly describe: (path: readonly string[]) => string;
}

/**
 * Keys in one object. The largest published checkpoints hold about a tenth of it; without it 100 MB of `"a":""` would
 * take a quarter of a minute and over a gigabyte.
 */
export const maxKeys = 1_000_000;
/** Levels of values that are skipped rather than read. */
const maxDepth = 64;

const quote = 0x22;
const backslash = 0x5c;

/**
 * A cursor at the start of UTF-8 bytes.
 * @throws InputError when the bytes are not UTF-8. A byte order mark stays in the text, where JSON forbids it.
 */
export function jsonCursor(bytes: Uint8Array, describe: JsonCursor['describe']): JsonCursor {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text, at: 0, path: [], describe };
  } catch {
    throw new InputError(`${describe([])}: expected UTF-8 text, got other bytes`);
  }
}

/** Throws: an InputError that says where the cursor stands, what it expected there, and what it found. */
export function refuse(cursor: JsonCursor, expected: string): never {
  const { text, at } = cursor;
  const found = at < text.length ? quoted(text.slice(at, at + 21), 20) : 'the end of the text';
  throw new InputError(`${cursor.describe(cursor.path)}: expected ${expected}, got ${found} at character ${at}`);
}

/** Skips blanks and returns the code of the character there, NaN at the end. */
function peek(cursor: JsonCursor): number {
  for (; ; cursor.at++) {
    const code = cursor.text.charCodeAt(cursor.at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code;
  }
}

function take(cursor: JsonCursor, character: string, expected: string): void {
  if (peek(cursor) !== character.charCodeAt(0)) refuse(cursor, expected);
  cursor.at++;
}

/** After a member: true past a comma, false past the closing bracket. */
function more(cursor: JsonCursor, close: '}' | ']'): boolean {
  const next = peek(cursor);
  if (next !== 0x2c && next !== close.charCodeAt(0)) refuse(cursor, `',' or '${close}'`);
  cursor.at++;
  return next === 0x2c;
}

/**
 * Reads an object. `onMember` gets each key, unescaped, with the cursor before its value, and must read that value.
 * @throws InputError when a key comes twice, however it is escaped, or there are over a million.
 */
export function readObject(cursor: JsonCursor, onMember: (key: string) => void): void {
  take(cursor, '{', 'an object');
  if (peek(cursor) === 0x7d) {
    cursor.at++;
    return;
  }
  const keys = new Set<string>();
  do {
    peek(cursor);
    const start = cursor.at;
    const key = readString(cursor);
    take(cursor, ':', "':'");
    if (keys.size === maxKeys) refuse(cursor, `at most ${maxKeys} keys`);
    cursor.path.push(key);
    if (keys.size === keys.add(key).size) {
      cursor.at = start;
      refuse(cursor, 'each key once');
    }
    onMember(key);
    cursor.path.pop();
  } while (more(cursor, '}'));
}

/** Reads an array. `onItem` is called with the cursor before each value and must read it. */
export function readArray(cursor: JsonCursor, onItem: () => void): void {
  take(cursor, '[', 'an array');
  if (peek(cursor) === 0x5d) {
    cursor.at++;
    return;
  }
  do onItem();
  while (more(cursor, ']'));
}

/** Reads a string, unescaped. @throws InputError on raw control characters, unknown escapes and lone surrogates. */
export function readString(cursor: JsonCursor): string {
  if (peek(cursor) !== quote) refuse(cursor, 'a string');
  const { text } = cursor;
  const start = cursor.at + 1;
  let end = start;
  let escaped = false;
  for (; ; end++) {
    const code = text.charCodeAt(end);
    if (code === quote) break;
    if (code === backslash) {
      escaped = true;
      end++;
    } else if (!(code >= 0x20)) {
      cursor.at = end;
      refuse(cursor, 'the rest of a string');
    }
  }
  const raw = text.slice(start, end);
  const value = escaped ? unescaped(raw) : raw;
  if (value === undefined) refuse(cursor, 'a string with valid escapes');
  cursor.at = end + 1;
  return value;
}

/** JSON's own escapes are plain enough for JSON.parse, which lets only lone surrogates through. */
function unescaped(raw: string): string | undefined {
  try {
    const value: string = JSON.parse(`"${raw}"`);
    return /\p{Surrogate}/u.test(value) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** Reads an integer from 0 to 2^53 - 1, written with digits alone. */
export function readInteger(cursor: JsonCursor): number {
  const expected = 'a plain non-negative integer';
  let code = peek(cursor);
  const start = cursor.at;
  let value = 0;
  while (code >= 0x30 && code <= 0x39) {
    value = value * 10 + (code - 0x30);
    if (value > Number.MAX_SAFE_INTEGER) {
      cursor.at = start;
      refuse(cursor, 'an integer below 2^53');
    }
    code = cursor.text.charCodeAt(++cursor.at);
  }
  const digits = cursor.at - start;
  const leadingZero = digits > 1 && cursor.text[start] === '0';
  if (digits === 0 || leadingZero || /[.eE]/.test(cursor.text.charAt(cursor.at))) {
    cursor.at = start;
    refuse(cursor, expected);
  }
  return value;
}

/** Reads any JSON number. */
export function readNumber(cursor: JsonCursor): number {
  return Number(readPattern(cursor, /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y, 'a number'));
}

function readPattern(cursor: JsonCursor, pattern: RegExp, expected: string): string {
  peek(cursor);
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text)?.[0] ?? refuse(cursor, expected);
  cursor.at += match.length;
  return match;
}

/** Passes over a value of any kind, as strictly as if it were read. */
export function skipValue(cursor: JsonCursor, depth = 0): void {
  if (depth > maxDepth) refuse(cursor, `at most ${maxDepth} levels`);
  const next = String.fromCharCode(peek(cursor));
  const skipInner = () => skipValue(cursor, depth + 1);
  if (next === '{') readObject(cursor, skipInner);
  else if (next === '[') readArray(cursor, skipInner);
  else if (next === '"') readString(cursor);
  else if (/[tfn]/.test(next)) readPattern(cursor, /true|false|null/y, 'a value');
  else if (/[-\d]/.test(next)) readNumber(cursor);
  else refuse(cursor, 'a value');
}

/** @throws InputError unless nothing but blanks is left. */
export function expectEnd(cursor: JsonCursor): void {
  if (!Number.isNaN(peek(cursor))) refuse(cursor, 'the end of the text');
}

/**
 * A JSON text as a value, for small files that people and servers write: as strict as the cursor (each key once, at most
 * 64 levels), so that nothing built from it can surprise.
 * @throws InputError naming the source, the place and what was expected there.
 */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  const cursor = jsonCursor(bytes, () => `${name}: not valid JSON`);
  skipValue(cursor);
  expectEnd(cursor);
  return JSON.parse(cursor.text);
}
