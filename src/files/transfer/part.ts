import { createHash, type Hash } from 'node:crypto';
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { InputError } from '../../errors.js';
import { reasonOf } from '../bytes.js';
import { hashFileInto } from '../hash.js';

/** The bytes of a download that are on disk so far, in `<file>.part`; what they are part of stands in `<file>.part.json`. */
export interface Part {
  readonly path: string;
  /** The address it comes from, without secrets. */
  readonly url: string;
  bytes: number;
  /** The SHA-256 of those bytes, unfinished. */
  hash: Hash;
  /** The strong ETag of the whole file; without it and without a SHA-256 nothing is continued. */
  etag: string | undefined;
  /** The SHA-256 the whole file should have. */
  sha256: string | undefined;
  /** Whether its bytes come from more than one answer. */
  continued: boolean;
}

/** Runs a step on the file system and tells its failure in one line. */
export function onDisk<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw new InputError(`${path}: cannot be written: ${reasonOf(error)}`);
  }
}

/** What an earlier download of `file` from `url` left behind, hashed; empty where it is of something else. */
export async function openPart(file: string, url: string, sha256: string | undefined): Promise<Part> {
  const path = `${file}.part`;
  const part: Part = { path, url, bytes: 0, hash: createHash('sha256'), etag: undefined, sha256, continued: false };
  const left = readState(path);
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes === 0 || left?.url !== url) return part;
  if (left.sha256 !== undefined && sha256 !== undefined && left.sha256 !== sha256) return part;
  part.etag = left.etag;
  part.sha256 = sha256 ?? left.sha256;
  await hashFileInto(part.hash, path, bytes);
  part.bytes = bytes;
  part.continued = true;
  return part;
}

/** Whether the rest of the file can be told from the rest of another: by its ETag, or by its hash in the end. */
export function canContinue(part: Part): boolean {
  return part.etag !== undefined || part.sha256 !== undefined;
}

/** Empties the part for an answer that begins at byte 0, and notes what it is going to be. */
export function beginPart(part: Part, etag: string | undefined, sha256: string | undefined): void {
  emptyPart(part);
  part.etag = etag;
  part.sha256 = sha256;
  onDisk(part.path, () => {
    writeFileSync(part.path, '');
    writeFileSync(`${part.path}.json`, JSON.stringify({ url: part.url, etag, sha256 }));
  });
}

/** Forgets all bytes, so that the next request asks for the whole file. */
export function emptyPart(part: Part): void {
  part.bytes = 0;
  part.hash = createHash('sha256');
  part.continued = false;
  if (statSync(part.path, { throwIfNoEntry: false })) onDisk(part.path, () => truncateSync(part.path));
}

/** Removes the part and its note. */
export function removePart(part: Part): void {
  rmSync(part.path, { force: true });
  rmSync(`${part.path}.json`, { force: true });
}

function readState(path: string): { url?: unknown; etag: string | undefined; sha256: string | undefined } | undefined {
  try {
    const { url, etag, sha256 } = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as Record<string, unknown>;
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
    return { url, etag: text(etag), sha256: text(sha256) };
  } catch {
    return undefined;
  }
}
