import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { download } from '../files/download.js';
import { checkSha256 } from '../files/hash.js';
import { quoted } from '../files/quote.js';
import { displayUrl, parseUrl } from '../files/transfer/http.js';
import type { RetryPolicy } from '../files/transfer/retry.js';
import { type PulledFile, urlFolder } from './pulled.js';

/** What a pull is busy with; called for every chunk, so whoever draws it must drop some. */
export interface PullProgress {
  readonly stage: 'download' | 'convert' | 'wait';
  /** The file's name; while waiting for another process that pulls the same model, the model's id. */
  readonly file: string;
  /** Bytes. */
  readonly done: number;
  readonly total: number | undefined;
}

/** A model that is now on disk. */
export interface Pulled {
  readonly dir: string;
  /** The commit it is of, where the server names one; for a file pulled by its address its SHA-256. */
  readonly revision: string;
  readonly files: readonly (PulledFile & {
    /** Whether it was on disk already. */
    readonly fromCache: boolean;
  })[];
}

export interface PullUrlOptions extends RetryPolicy {
  /** The SHA-256 of the file; unless given, the part of the address's path that looks like one. */
  readonly sha256?: string | undefined;
  /** Where to put the file; the cache unless given. */
  readonly dir?: string | undefined;
  readonly idleMs?: number | undefined;
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
}

/**
 * Fetches one checkpoint file by its address, as OpenAI publishes its models: into `dir`, or into a folder of the cache
 * named by its SHA-256. A file that is there with that SHA-256 is kept and no server is asked. No token is sent.
 * @throws InputError when the address names no `.pt`, `.pth`, `.bin` or `.safetensors` file, and as `download` does.
 */
export async function pullUrl(address: string, options: PullUrlOptions = {}): Promise<Pulled> {
  const { dir: wantedDir, onProgress, ...policy } = options;
  const url = parseUrl(address);
  const name = fileName(url);
  const given = options.sha256 ?? url.pathname.split('/').find(part => /^[0-9a-f]{64}$/i.test(part));
  const sha256 = given === undefined ? undefined : checkSha256(given, 'pull: sha256');
  const dir = wantedDir ?? urlFolder(sha256 ?? createHash('sha256').update(url.href).digest('hex'));
  const file = await download(url.href, join(dir, name), {
    ...policy,
    sha256,
    onProgress: (done, total) => onProgress?.({ stage: 'download', file: name, done, total }),
  });
  const { bytes, fromCache } = file;
  return { dir, revision: file.sha256, files: [{ name, bytes, sha256: file.sha256, fromCache }] };
}

function fileName(url: URL): string {
  const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  if (/^[A-Za-z0-9][A-Za-z0-9@+._-]*\.(pt|pth|bin|safetensors)$/.test(last)) return last;
  throw new InputError(
    `pull: expected the address of a .pt, .pth, .bin or .safetensors file, got ${quoted(displayUrl(url))}; for a model of a hub give its id`,
  );
}
