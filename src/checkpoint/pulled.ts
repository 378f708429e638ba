import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writeAtomic } from '../files/atomic.js';
import { cacheFolder } from '../files/cacheFolder.js';
import { makeFolder } from '../files/folder.js';
import { openaiCheckpoint } from './openai.js';

/** A file of a pulled model as it lies on disk. */
export interface PulledFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The PyTorch files it was made from, where the hub had only those. */
  readonly convertedFrom?: readonly string[] | undefined;
  /** The ETag under which a server that names no commit gave it. */
  readonly etag?: string | undefined;
}

/** What stands in `clipscope-pull.json` beside a pulled model: where it came from and what it consists of. */
export interface Manifest {
  readonly id: string;
  /** The commit, or the revision as asked for where the server names no commit. */
  readonly revision: string;
  readonly endpoint: string;
  /** False while files are missing. */
  readonly complete: boolean;
  readonly files: readonly PulledFile[];
}

export const manifestName = 'clipscope-pull.json';

/** The manifest of a folder; undefined where there is none, or it is not one of ours. */
export function readManifest(dir: string): Manifest | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(dir, manifestName), 'utf8')) as Manifest;
    const { id, revision, endpoint, complete, files } = manifest;
    const texts = [id, revision, endpoint].every(text => typeof text === 'string');
    return texts && typeof complete === 'boolean' && files.every(isPulledFile) ? manifest : undefined;
  } catch {
    return undefined;
  }
}

function isPulledFile(file: PulledFile): boolean {
  return typeof file.name === 'string' && Number.isSafeInteger(file.bytes) && /^[0-9a-f]{64}$/.test(file.sha256);
}

export function writeManifest(dir: string, manifest: Manifest): void {
  writeAtomic(join(dir, manifestName), Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`));
}

/** Whether a file of a manifest is on disk with the size noted there. */
export function isThere(dir: string, file: PulledFile): boolean {
  return statSync(join(dir, file.name), { throwIfNoEntry: false })?.size === file.bytes;
}

/** The manifest of a folder that holds all of a model, or undefined. */
export function completeManifest(dir: string): Manifest | undefined {
  const manifest = readManifest(dir);
  return manifest?.complete && manifest.files.every(file => isThere(dir, file)) ? manifest : undefined;
}

// Two dashes cannot stand in a model's id, so no two ids share a folder.
function folderName(text: string): string {
  return text.replaceAll('/', '--');
}

/** Where a revision of a model lies in the cache. */
export function modelFolder(id: string, revision: string, pinned: boolean): string {
  return join(cacheFolder(), 'models', folderName(id), pinned ? revision : `at-${folderName(revision)}`);
}

/** Where a file pulled by its address lies in the cache; `key` is its SHA-256, or that of its address. */
export function urlFolder(key: string): string {
  return join(cacheFolder(), 'urls', key);
}

function refPath(id: string, revision: string): string {
  return join(cacheFolder(), 'models', folderName(id), 'refs', folderName(revision));
}

/** Notes which commit a branch or tag stood for when it was last pulled. */
export function noteRevision(id: string, revision: string, commit: string): void {
  const path = refPath(id, revision);
  makeFolder(dirname(path));
  writeAtomic(path, Buffer.from(`${commit}\n`));
}

/**
 * The folder of a model that is already in the cache (for `openai:NAME`, the file), as of the last pull of that branch
 * or tag; undefined when it was never pulled or files are missing. Asks no server. Models pulled into a `dir` of the
 * user's are not found.
 * @throws InputError on an unknown `openai:` name.
 */
export function resolvePulled(id: string, revision = 'main'): string | undefined {
  const openai = openaiCheckpoint(id);
  if (openai) {
    const path = join(urlFolder(openai.sha256), basename(openai.url));
    return existsSync(path) ? path : undefined;
  }
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(id) || !/^[\w./-]+$/.test(revision) || /\.\./.test(id + revision)) return undefined;
  const candidates = [modelFolder(id, revision, true), modelFolder(id, revision, false)];
  const commit = readRef(id, revision);
  if (commit !== undefined) candidates.unshift(modelFolder(id, commit, true));
  return candidates.find(dir => completeManifest(dir)?.id === id);
}

function readRef(id: string, revision: string): string | undefined {
  try {
    return readFileSync(refPath(id, revision), 'utf8').trim();
  } catch {
    return undefined;
  }
}
