/**
 * The head of a safetensors file: eight bytes of length, then JSON that names every tensor. Format and the order of the
 * checks: https://github.com/huggingface/safetensors#format. Stricter than the format's own reader in three things,
 * because each would let two readers see two different files: a key given twice, an unknown field of a tensor, and an
 * integer that a double cannot hold are refused.
 */
import { InputError } from '../../errors.js';
import { type ByteSource, binaryText, viewOf } from '../byteSource.js';
import { type Dtype, dtypeWidths, isDtype, tensorBytes } from '../dtype.js';
import {
  expectEnd,
  type JsonCursor,
  jsonCursor,
  readArray,
  readInteger,
  readObject,
  readString,
  refuse,
} from '../json.js';
import { quoted } from '../quote.js';
import type { TensorInfo } from '../tensorFile.js';

/** The longest header that readers of the format accept, in bytes. */
export const maxHeaderBytes = 100_000_000;
/** The key that holds free text instead of a tensor. */
export const metadataKey = '__metadata__';
/** As many axes as NumPy allows; without a limit a header of 100 MB could be one shape. */
export const maxAxes = 64;

/** A tensor and where it lies, in bytes from the end of the header. */
interface Entry extends TensorInfo {
  readonly begin: number;
  readonly end: number;
}

/** A header that has passed every check. */
interface Header {
  readonly metadata: ReadonlyMap<string, string>;
  /** Every tensor, in the order of their bytes. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** Where the tensors begin, in bytes from the start of the file. */
  readonly dataStart: number;
}

/**
 * Reads and checks the header of a safetensors file. Beyond the header's own text, which is inside the file, nothing is
 * allocated by what it claims.
 * @throws InputError naming the file, the tensor and the fault.
 */
export function readHeader(source: ByteSource): Header {
  const length = headerLength(source);
  const cursor = jsonCursor(source.read(8, length), path => `${source.name}: ${place(path)}`);
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  readObject(cursor, key => {
    if (key !== metadataKey) entries.push(readEntry(cursor, key));
    else readObject(cursor, name => metadata.set(name, readString(cursor)));
  });
  expectEnd(cursor);
  const dataStart = 8 + length;
  inByteOrder(entries);
  checkLayout(source.name, entries, source.size - dataStart);
  return { metadata, entries: new Map(entries.map(entry => [entry.name, entry])), dataStart };
}

function place([name, field]: readonly string[]): string {
  if (name === undefined) return 'header';
  const inside = field === undefined ? '' : `: ${quoted(field)}`;
  return name === metadataKey ? `${metadataKey}${inside}` : `tensor ${quoted(name)}${inside}`;
}

function headerLength(source: ByteSource): number {
  const { name, size } = source;
  if (size < 8) {
    throw new InputError(`${name}: expected the 8 bytes of a header length first, got a file of ${size} bytes`);
  }
  const head = source.read(0, 8);
  const length = viewOf(head).getBigUint64(0, true);
  if (length > maxHeaderBytes) {
    const lfs = binaryText(head) === 'version ';
    const hint = lfs ? 'it looks like a Git LFS pointer: download the file itself' : 'is it a safetensors file?';
    throw new InputError(`${name}: expected a header of at most ${maxHeaderBytes} bytes, got ${length}; ${hint}`);
  }
  if (length > size - 8) {
    throw new InputError(`${name}: expected a header of ${length} bytes, got only ${size - 8}; is the file cut short?`);
  }
  return Number(length);
}

function readEntry(cursor: JsonCursor, name: string): Entry {
  let dtype: Dtype | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  readObject(cursor, field => {
    if (field === 'dtype') dtype = readDtype(cursor);
    else if (field === 'shape') shape = readIntegers(cursor, maxAxes);
    else if (field === 'data_offsets') offsets = readIntegers(cursor, 2);
    else refuse(cursor, 'no field but dtype, shape and data_offsets');
  });
  const fault = (text: string) => new InputError(`${cursor.describe(cursor.path)}: ${text}`);
  if (!dtype) throw fault(`its 'dtype' is missing`);
  if (!shape) throw fault(`its 'shape' is missing`);
  if (!offsets) throw fault(`its 'data_offsets' are missing`);
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined) {
    throw fault(`expected 'data_offsets' to be two integers, got ${offsets.length}`);
  }
  return { name, dtype, shape, begin, end };
}

function readDtype(cursor: JsonCursor): Dtype {
  const dtype = readString(cursor);
  if (isDtype(dtype)) return dtype;
  const known = Object.keys(dtypeWidths).join(', ');
  throw new InputError(`${cursor.describe(cursor.path)}: expected one of ${known}, got ${quoted(dtype)}`);
}

function readIntegers(cursor: JsonCursor, most: number): number[] {
  const values: number[] = [];
  readArray(cursor, () => {
    if (values.length === most) refuse(cursor, `at most ${most} integers`);
    values.push(readInteger(cursor));
  });
  return values.slice(); // without the spare room that `push` made
}

/** Sorts by offsets, empty tensors before the one whose bytes begin there. Most files are in order already. */
function inByteOrder(entries: Entry[]): void {
  const order = (a: Entry, b: Entry) => a.begin - b.begin || a.end - b.end;
  if (entries.some((entry, i) => i > 0 && order(entries[i - 1]!, entry) > 0)) entries.sort(order);
}

/** The tensors, in byte order, must fill the data exactly: no hole, no overlap, nothing left, each of its own size. */
function checkLayout(file: string, entries: readonly Entry[], dataBytes: number): void {
  let filled = 0;
  for (const { name, dtype, shape, begin, end } of entries) {
    const fault = (text: string) => new InputError(`${file}: tensor ${quoted(name)}: ${text}`);
    const range = `data_offsets [${begin}, ${end}]`;
    if (end < begin) throw fault(`${range} end before they begin`);
    if (begin < filled) throw fault(`${range} overlap the tensor before, which ends at ${filled}`);
    if (begin > filled) throw fault(`${range} leave a hole after the tensor before, which ends at ${filled}`);
    const size = tensorBytes(dtype, shape);
    if (size === undefined) throw fault(`the size of shape [${shape}] overflows`);
    if (size !== end - begin) {
      throw fault(`shape [${shape}] of ${dtype} takes ${size} bytes, but ${range} hold ${end - begin}`);
    }
    filled = end;
  }
  if (filled < dataBytes) {
    throw new InputError(
      `${file}: expected the file to end with the last tensor, got ${dataBytes - filled} bytes more`,
    );
  }
  if (filled > dataBytes) {
    throw new InputError(`${file}: expected ${filled} bytes of tensors, got ${dataBytes}; is the file cut short?`);
  }
}
