/** Large JSON files of records, of which a few members are wanted: read in one go, nothing else kept. */
import { InputError } from '../errors.js';
import { openBytes } from './bytes.js';
import {
  expectEnd,
  type JsonCursor,
  jsonCursor,
  readArray,
  readObject,
  readString,
  refuse,
  skipValue,
} from './json.js';
import { quoted } from './quote.js';

/** Reads a value where the cursor is. */
export type Read<T> = (cursor: JsonCursor) => T;

/** The text has to fit a string. */
const mostBytes = 400e6;

/** Reads a whole file. @throws InputError naming the place, and for one of more bytes than are read */
export function readJsonFile<T>(path: string, read: Read<T>): T {
  const source = openBytes(path);
  try {
    if (source.size > mostBytes) {
      throw new InputError(`${path}: expected at most ${mostBytes} bytes of JSON, got ${source.size}`);
    }
    const cursor = jsonCursor(source.read(0, source.size), keys => [path, ...keys].join(': '));
    const whole = read(cursor);
    expectEnd(cursor);
    return whole;
  } finally {
    source.close();
  }
}

/** Reads an object of which some members are wanted, each of which must be there; others are passed over. */
export function readRecord<R extends Readonly<Record<string, Read<unknown>>>>(
  cursor: JsonCursor,
  what: string,
  readers: R,
): { [K in keyof R]: ReturnType<R[K]> } {
  const found: Record<string, unknown> = {};
  readObject(cursor, key => {
    if (Object.hasOwn(readers, key)) found[key] = readers[key]!(cursor);
    else skipValue(cursor);
  });
  const lacking = Object.keys(readers).filter(key => !Object.hasOwn(found, key));
  if (lacking.length > 0) refuse(cursor, `${what} with ${lacking.join(', ')} before this`);
  return found as { [K in keyof R]: ReturnType<R[K]> };
}

/** Reads an array of such values. */
export const listOf =
  <T>(read: Read<T>): Read<T[]> =>
  cursor => {
    const items: T[] = [];
    readArray(cursor, () => items.push(read(cursor)));
    return items;
  };

/** A file in a folder, perhaps in folders below it. @throws InputError for a path that leads out of it */
export function readFileName(cursor: JsonCursor): string {
  const name = readString(cursor);
  const inside = name.split('/').every(part => part !== '' && part !== '.' && part !== '..');
  if (inside && !/[\\:\p{C}]/u.test(name)) return name;
  throw new InputError(
    `${cursor.describe(cursor.path)}: expected the name of a file in its folder, got ${quoted(name)}`,
  );
}
