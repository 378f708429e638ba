import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { InputError } from '../errors.js';
import { type ByteSource, openBytes, reasonOf } from './bytes.js';

/**
 * Remembers what an open file is, by its size, its time of modification and a hash of its first bytes, for one who will
 * map it later by its path.
 *
 * @param head how many bytes are hashed: those that say where everything else lies.
 * @returns a check that throws InputError when the file is gone, or is another one by then.
 */
export function unchangedCheck(source: ByteSource, head: number): () => void {
  const { path, modified } = source.file!;
  const { size } = source;
  const hash = hashOf(source, head);
  return () => {
    const stat = statOf(path);
    let same = stat.size === size && stat.mtimeMs === modified;
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
