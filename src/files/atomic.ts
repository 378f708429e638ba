/**
 * Files that appear whole or not at all: written under another name in the same folder, then renamed. Whoever reads the
 * old file meanwhile keeps reading the old one.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, lstatSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.js';
import { atOnce, type Steps } from '../turns.js';
import { reasonOf } from './bytes.js';

/** Takes the next bytes of a file; they may be overwritten once it returns. */
export type Write = (chunk: Uint8Array) => void;

/**
 * Writes a file, or replaces one, whole or not at all. On any failure, one thrown by the callback included, the file
 * at `path` is as it was and nothing is left beside it. A symbolic link is followed.
 * @param content the bytes, or a function that hands them over piece by piece.
 * @throws InputError when the folder is missing or not writable, `path` is a folder or no regular file, or the disk is full.
 */
export const writeAtomic = (path: string, content: Uint8Array | ((write: Write) => void)): void =>
  atOnce(writeAtomicSteps(path, write => (typeof content === 'function' ? content(write) : write(content))));

/** `writeAtomic` in the steps, if any, of a function that hands the bytes over. */
export function* writeAtomicSteps(path: string, content: (write: Write) => Steps<void> | void): Steps<void> {
  const target = targetOf(path);
  const { name, descriptor } = createBeside(path, target);
  try {
    try {
      const write: Write = chunk => guarded(path, () => writeWhole(descriptor, chunk));
      const steps = content(write);
      if (steps) yield* steps;
    } finally {
      guarded(path, () => closeSync(descriptor));
    }
    guarded(path, () => renameSync(name, target));
  } catch (error) {
    rmSync(name, { force: true });
    throw error;
  }
}

/**
 * Finds out whether `writeAtomic` could write `path`, by making an empty file in its folder and removing it: call it
 * before long work whose result goes there.
 * @throws InputError as `writeAtomic` does.
 */
export function checkWritable(path: string): void {
  const { name, descriptor } = createBeside(path, targetOf(path));
  closeSync(descriptor);
  rmSync(name, { force: true });
}

function cannot(path: string, reason: string): InputError {
  return new InputError(`${path}: cannot be written: ${reason}`);
}

/** Runs a file-system call; its error becomes an InputError that names the path. */
function guarded<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw error instanceof InputError ? error : cannot(path, reasonOf(error));
  }
}

/** The file that a rename will replace: `path` itself, or what it links to. */
function targetOf(path: string): string {
  if (path === '' || /[/\\]$/.test(path)) throw cannot(path, 'expected the name of a file, got that of a folder');
  return guarded(path, () => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found) return path;
    const target = found.isSymbolicLink() ? realpathSync(path) : path;
    const kind = statSync(target);
    if (kind.isFile()) return target;
    throw cannot(path, kind.isDirectory() ? 'it is a folder' : 'it is a special file, not a regular one');
  });
}

/** A new empty file beside `target`, under a name that nobody can have prepared. */
function createBeside(path: string, target: string): { name: string; descriptor: number } {
  const name = join(dirname(target), `.${randomBytes(12).toString('hex')}.tmp`);
  return { name, descriptor: guarded(path, () => openSync(name, 'wx')) };
}

/** Writes all of it: the system may take less at a time. */
export function writeWhole(descriptor: number, chunk: Uint8Array): void {
  let done = 0;
  while (done < chunk.length) done += writeSync(descriptor, chunk, done, Math.min(chunk.length - done, 1 << 30));
}
