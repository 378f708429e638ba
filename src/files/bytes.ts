/** Files as bytes that can be read by range. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { InputError } from '../errors.js';
import { type ByteSource, checkArrayLength, checkRange } from './byteSource.js';

/** Node reads less than 2 GiB in one call. */
const readAtOnce = 2 ** 30;

/** Opens a file for reading by range. @throws InputError when it is missing, unreadable or not a regular file. */
export function openBytes(path: string): ByteSource {
  const descriptor = openForReading(path);
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) {
    closeSync(descriptor);
    throw new InputError(`${path}: expected a file, got a ${stat.isDirectory() ? 'directory' : 'special file'}`);
  }
  let open = true;
  const source: ByteSource = {
    name: path,
    size: stat.size,
    file: { path, remember: head => unchangedCheck(source, path, stat, head) },
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
  return source;
}

function openForReading(path: string): number {
  try {
    // Without O_NONBLOCK a pipe would keep us waiting for its writer before we can refuse it.
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${reasonOf(error)}`);
  }
}

/** See `SourceFile.remember`: by size, time of modification and a hash of the first bytes. */
function unchangedCheck(source: ByteSource, path: string, { size, mtimeMs }: Stats, head: number): () => void {
  const hash = hashOf(source, head);
  return () => {
    const stat = statOf(path);
    let same = stat.size === size && stat.mtimeMs === mtimeMs;
    if (same) {
      const now = openBytes(path);
      try {
        same = hashOf(now, head) === hash;
      } finally {
        now.close();
      }
    }
    if (!same) throw new InputError(`${path}: the file has been changed since it was opened; load the model again`);
  };
}

function statOf(path: string) {
  try {
    return statSync(path);
  } catch (error) {
    throw new InputError(`${path}: the file was there when it was opened and is not now: ${reasonOf(error)}`);
  }
}

const hashOf = (source: ByteSource, length: number): string =>
  createHash('sha256').update(source.read(0, length)).digest('hex');

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

/** Longest text file that is read whole. */
const mostTextBytes = 16 << 20;

/** A small text file. @throws InputError when it is missing, larger than 16 MiB, or not UTF-8 */
export function readText(path: string): string {
  const source = openBytes(path);
  try {
    if (source.size > mostTextBytes) {
      throw new InputError(`${path}: expected a text file of at most 16 MiB, got ${source.size} bytes`);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(source.read(0, source.size));
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(`${path}: expected UTF-8 text`);
  } finally {
    source.close();
  }
}
