/** Bytes that can be read by range, wherever they are. */
import { InputError } from '../errors.js';

/**
 * Bytes that can be read by range: an open file, or an array already in memory. Every reader of this folder takes one,
 * so nothing is read that was not asked for and the same reader serves files and memory.
 */
export interface ByteSource {
  /** What error messages call it: the path, or a label. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** The file behind it, for a reader that maps it itself; absent when there is none. */
  readonly file?: SourceFile;
  /**
   * Reads `length` bytes at `offset`, into `into` when given (its first `length` bytes).
   * @throws InputError when the range leaves the source.
   */
  read(offset: number, length: number, into?: Uint8Array): Uint8Array;
  close(): void;
}

/** What is known of an open file. */
export interface SourceFile {
  /** What tells it from every other file. */
  readonly path: string;
  /** All of it, when it is in memory and not on a disk. */
  readonly bytes?: Uint8Array;
  /**
   * Remembers what the file is.
   * @param head how many of its first bytes are looked at: those that say where everything else lies.
   * @returns a check that throws InputError when the file is gone, or is another one by then.
   */
  remember(head: number): () => void;
}

/** The longest array that every supported version of Node.js can make, in bytes. */
const longestArray = 2 ** 32 - 8;

/**
 * Refuses a length in bytes that no array can have.
 * @param what what would have it, for the message
 */
export function checkArrayLength(bytes: number, what: string): void {
  if (bytes > longestArray) throw new InputError(`${what}: ${bytes} bytes do not fit into one array`);
}

/** @throws InputError when a range leaves the source. */
export function checkRange(source: { name: string; size: number }, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!whole || offset + length > source.size) {
    throw new InputError(
      `${source.name}: expected ${length} bytes at offset ${offset}, but it has ${source.size}; is it cut short?`,
    );
  }
}

/** The same bytes, to be read as numbers. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A little-endian length or offset of 64 bits; inexact beyond 2^53, where nothing inside a file can be. */
export function unsigned64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

/** Bytes already in memory, under a label for messages. */
export function bytesFromMemory(bytes: Uint8Array, name = 'memory'): ByteSource {
  const source = { name, size: bytes.length };
  return {
    ...source,
    read(offset, length, into) {
      checkRange(source, offset, length);
      const part = bytes.subarray(offset, offset + length);
      if (!into) return part;
      into.set(part);
      return into.subarray(0, length);
    },
    close() {},
  };
}

/** Bytes as text, one character a byte. */
export function binaryText(bytes: Uint8Array): string {
  // As many arguments as every engine takes in one call.
  const step = 8192;
  let text = '';
  for (let at = 0; at < bytes.length; at += step) {
    // Spreading would go through an iterator, ten times as slow.
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + step) as unknown as number[]);
  }
  return text;
}
