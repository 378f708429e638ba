import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
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
  /** The file behind it and when that was last modified, in milliseconds; absent when the bytes are in memory. */
  readonly file?: { readonly path: string; readonly modified: number };
  /**
   * Reads `length` bytes at `offset`, into `into` when given (its first `length` bytes).
   * @throws InputError when the range leaves the source.
   */
  read(offset: number, length: number, into?: Uint8Array): Uint8Array;
  close(): void;
}

/** Node reads less than 2 GiB in one call. */
const readAtOnce = 2 ** 30;

/** The longest array that every supported version of Node.js can make, in bytes. */
const longestArray = 2 ** 32 - 8;

/**
 * Refuses a length in bytes that no array can have.
 * @param what what would have it, for the message
 */
export function checkArrayLength(bytes: number, what: string): void {
  if (bytes > longestArray) throw new InputError(`${what}: ${bytes} bytes do not fit into one array`);
}

function checkRange(source: { name: string; size: number }, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!whole || offset + length > source.size) {
    throw new InputError(
      `${source.name}: expected ${length} bytes at offset ${offset}, but it has ${source.size}; is it cut short?`,
    );
  }
}

/** Opens a file for reading by range. @throws InputError when it is missing, unreadable or not a regular file. */
export function openBytes(path: string): ByteSource {
  const descriptor = openForReading(path);
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) {
    closeSync(descriptor);
    throw new InputError(`${path}: expected a file, got a ${stat.isDirectory() ? 'directory' : 'special file'}`);
  }
  const source = { name: path, size: stat.size, file: { path, modified: stat.mtimeMs } };
  let open = true;
  return {
    ...source,
    read(offset, length, into) {
      checkRange(source, offset, length);
      checkArrayLength(length, path);
      const bytes = into ? into.subarray(0, length) : new Uint8Array(length);
      if (bytes.length < length) throw new RangeError(`read: 'into' holds ${bytes.length} bytes, ${length} wanted`);
      let done = 0;
      while (done < length) {
        const got = readSync(descriptor, bytes, done, Math.min(length - done, readAtOnce), offset + done);
        if (got === 0) throw new InputError(`${path}: the file became shorter while it was read`);
        done += got;
      }
      return bytes;
    },
    close() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

function openForReading(path: string): number {
  try {
    // Without O_NONBLOCK a pipe would keep us waiting for its writer before we can refuse it.
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${reasonOf(error)}`);
  }
}

/** The plain-words reason of a file-system error. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const words: Record<string, string> = {
    ENOENT: 'no such file or folder',
    EACCES: 'permission denied',
    EPERM: 'not permitted',
    EISDIR: 'it is a folder',
    EEXIST: 'there is something else of that name',
    ENOTDIR: 'a part of the path is not a folder',
    EROFS: 'the file system is read-only',
    ENOSPC: 'no space left on the disk',
    EMFILE: 'too many open files',
    ENAMETOOLONG: 'the name is too long',
  };
  return words[code] ?? (error instanceof Error ? error.message : String(error));
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
