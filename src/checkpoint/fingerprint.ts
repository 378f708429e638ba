/** What a model's text features depend on, as one hash: what they are kept under. */
import { createHash, type Hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { writeAtomic } from '../files/atomic.js';
import { openBytes } from '../files/bytes.js';
import { makeFolder } from '../files/folder.js';
import type { TensorFile, TensorInfo } from '../files/tensorFile.js';
import type { ClipConfig } from '../model/config.js';
import { findModel, type ModelFiles, openWeights } from './modelFiles.js';

/** Bytes hashed before the event loop turns. */
const atOnce = 4 << 20;

/**
 * SHA-256 of a model's sizes and its text tower's tensors, hashed straight from the file, so that a cached text needs no
 * weights in an engine. It is itself kept in `cache` for files that are, by name, size and time, the same as before.
 *
 * @throws InputError when the model has no weights.
 */
export async function fingerprintText(files: ModelFiles, config: ClipConfig, cache: string): Promise<string> {
  // A folder may have been found by its config alone.
  const path = files.weights ?? findModel(files.folder).weights;
  const weights = openWeights(path!);
  try {
    const sizes = JSON.stringify([config.text, config.embedding]);
    const infos = [...weights.tensors.values()].filter(({ name }) => !/visual|vision_model/.test(name));
    const paths = new Set(infos.map(({ name }) => weights.location?.(name)?.path ?? path!));
    const kept = join(
      cache,
      'fingerprints',
      createHash('sha256')
        .update(sizes + identity(paths))
        .digest('hex'),
    );
    const known = readKept(kept);
    if (known) return known;
    const hash = createHash('sha256').update(sizes);
    for (const info of infos) {
      hash.update(JSON.stringify([info.name, info.dtype, info.shape]));
      await hashTensor(hash, weights, info);
    }
    const fingerprint = hash.digest('hex');
    keep(kept, join(cache, 'fingerprints'), fingerprint);
    return fingerprint;
  } finally {
    weights.close();
  }
}

/** Names, places on the disk, sizes and times of files. */
function identity(paths: Iterable<string>): string {
  const stats = [...paths].map(path => {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [path, dev, ino, size, mtimeNs, ctimeNs].map(String);
  });
  return JSON.stringify(stats);
}

async function hashTensor(hash: Hash, weights: TensorFile, { name }: TensorInfo): Promise<void> {
  const location = weights.location?.(name);
  if (!location) {
    hash.update(weights.read(name).bytes);
    await turn();
    return;
  }
  const source = openBytes(location.path);
  try {
    const buffer = new Uint8Array(Math.min(atOnce, location.length));
    for (let done = 0; done < location.length; done += atOnce) {
      hash.update(source.read(location.offset + done, Math.min(atOnce, location.length - done), buffer));
      await turn();
    }
  } finally {
    source.close();
  }
}

function readKept(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    return /^[0-9a-f]{64}$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** A cache that cannot be written costs time, not the result. */
function keep(path: string, folder: string, fingerprint: string): void {
  try {
    makeFolder(folder);
    writeAtomic(path, Buffer.from(fingerprint));
  } catch {
    return;
  }
}
