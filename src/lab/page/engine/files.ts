/** Files of the server, kept in this browser under their hash: what has been loaded once comes from here. */
import { InputError } from '../../../errors.js';
import type { OfferedFile } from '../../offer.js';

export interface FetchedFiles {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly cached: boolean;
}

/** The part of the browser's cache that is the lab's. */
const cacheName = 'clipscope-lab-files';

/**
 * Loads files, from the cache where it has them, and checks their hashes.
 *
 * @param onBytes told how many bytes there are so far
 * @throws InputError when the server does not answer, or with other bytes than it said
 */
export async function fetchFiles(
  offered: readonly OfferedFile[],
  onBytes: (done: number, total: number) => void,
): Promise<FetchedFiles> {
  const total = offered.reduce((sum, { bytes }) => sum + bytes, 0);
  const cache = await openCache();
  const done = new Map<string, number>();
  const tell = (name: string, bytes: number) => {
    done.set(name, bytes);
    onBytes(
      [...done.values()].reduce((a, b) => a + b, 0),
      total,
    );
  };
  let cached = true;
  const entries = await Promise.all(
    offered.map(async file => {
      const key = `${file.path}?sha256=${file.sha256}`;
      const known = await fromCache(cache, key, file);
      if (known) {
        tell(file.name, file.bytes);
        return [file.name, known] as const;
      }
      cached = false;
      const bytes = await download(file, so => tell(file.name, so));
      // A full disk, or a browser that keeps nothing, is no reason to stop.
      await cache?.put(key, new Response(bytes)).catch(() => {});
      return [file.name, bytes] as const;
    }),
  );
  return { files: Object.fromEntries(entries), cached };
}

/** Browsers without a secure origin, or told to keep nothing, have no cache. */
async function openCache(): Promise<Cache | undefined> {
  try {
    return await caches.open(cacheName);
  } catch {
    return undefined;
  }
}

async function fromCache(
  cache: Cache | undefined,
  key: string,
  file: OfferedFile,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const response = await cache?.match(key).catch(() => undefined);
  if (!response) return undefined;
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (await matches(bytes, file)) return bytes;
  await cache?.delete(key);
  return undefined;
}

async function download(file: OfferedFile, onBytes: (done: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  const { path, name, bytes: size } = file;
  const mend = 'is clipscope lab still running?';
  const response = await fetch(path).catch(() => {
    throw new InputError(`${name}: cannot be loaded; ${mend}`);
  });
  if (!response.ok || !response.body) {
    throw new InputError(`${name}: the server answers ${response.status}; load the page again`);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new InputError(`${name}: the connection ended after ${at} of ${size} bytes; ${mend}`);
    });
    if (done) break;
    if (at + value.length > size) {
      void reader.cancel();
      throw new InputError(`${name}: expected ${size} bytes, got more; load the page again`);
    }
    bytes.set(value, at);
    at += value.length;
    onBytes(at);
  }
  if (at === size && (await matches(bytes, file))) return bytes;
  throw new InputError(`${name}: the bytes are not those that the server announced; load the page again`);
}

async function matches(bytes: Uint8Array<ArrayBuffer>, { bytes: size, sha256 }: OfferedFile): Promise<boolean> {
  if (bytes.length !== size) return false;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('') === sha256;
}
