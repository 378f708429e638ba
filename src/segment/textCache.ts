/** Text features on disk, for the names that come again. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { writeAtomic } from '../files/atomic.js';
import { openBytes } from '../files/bytes.js';
import { fromFloat32 } from '../files/dtype.js';
import { makeFolder } from '../files/folder.js';
import { openSafetensors } from '../files/safetensors/read.js';
import { safetensorsBytes } from '../files/safetensors/write.js';
import type { TextFeatures } from './textFeatures.js';

/** Where features of these names in these prompts, by a text tower of this fingerprint, are kept. */
export function textCachePath(
  folder: string,
  fingerprint: string,
  names: readonly string[],
  templates: readonly string[],
) {
  const key = createHash('sha256')
    .update(JSON.stringify([1, fingerprint, names, templates]))
    .digest('hex');
  return join(folder, 'text', `${key}.safetensors`);
}

/** Kept features, or undefined when there are none or the file is not what it should be. */
export function readTextCache(path: string, count: number, width: number): TextFeatures | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const file = openSafetensors(openBytes(path));
    try {
      const shape = file.tensors.get('features')?.shape;
      return String(shape) === String([count, width])
        ? { count, width, values: file.readFloat32('features') }
        : undefined;
    } finally {
      file.close();
    }
  } catch (error) {
    // A damaged entry is computed again and written over; only faults of ours go on.
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** Keeps features for the next time. A cache that cannot be written costs time, not the result. */
export function writeTextCache(folder: string, path: string, { count, width, values }: TextFeatures): void {
  try {
    makeFolder(join(folder, 'text'));
    const features = { dtype: 'F32', shape: [count, width], bytes: fromFloat32('F32', values) } as const;
    writeAtomic(path, safetensorsBytes([['features', features]]));
  } catch {
    return;
  }
}
