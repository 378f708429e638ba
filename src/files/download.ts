import { renameSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { dirname } from 'node:path';
import { InputError } from '../errors.js';
import { reasonOf } from './bytes.js';
import { makeFolder } from './folder.js';
import { checkSha256, sha256File } from './hash.js';
import { type Answer, connectionError, displayUrl, failed, parseUrl, request, statusError } from './transfer/http.js';
import { type HeldLock, withLock } from './transfer/lock.js';
import { beginPart, canContinue, emptyPart, onDisk, openPart, type Part, removePart } from './transfer/part.js';
import { type RetryPolicy, withRetries } from './transfer/retry.js';

/** Size and SHA-256 that a file ought to have, as far as they are known. */
export interface Expectation {
  readonly size?: number | undefined;
  readonly sha256?: string | undefined;
}

/** How a file is fetched, and what is known of it beforehand. */
export interface DownloadOptions extends RetryPolicy {
  /** The size in bytes; any other is refused. */
  readonly expectedSize?: number | undefined;
  /** The SHA-256 as 64 hexadecimal digits; any other is refused. */
  readonly sha256?: string | undefined;
  /** Reads from an answer's headers (redirects first) what is not given above. */
  readonly promised?: ((headers: IncomingHttpHeaders) => Expectation) | undefined;
  /** Keeps the file that is there when the server still gives it this ETag. */
  readonly unlessEtag?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The most bytes taken; 64 GiB unless given. */
  readonly maxBytes?: number | undefined;
  /** Redirects followed; 5 unless given. */
  readonly redirects?: number | undefined;
  /** Milliseconds without a byte after which a connection counts as broken; 60,000 unless given. */
  readonly idleMs?: number | undefined;
  /** Bytes on disk so far, and in all where known; called for every chunk, and while another process does the work. */
  readonly onProgress?: ((done: number, total: number | undefined) => void) | undefined;
}

/** A file that is now on disk. */
export interface Downloaded {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Whether it was there already, so that no byte of it was fetched by this call. */
  readonly fromCache: boolean;
  /** The ETag the server gave it, when it was asked. */
  readonly etag?: string | undefined;
}

// Bytes an attempt must bring for the count of failures to begin anew.
const progressWorth = 1 << 20;
const defaultMaxBytes = 2 ** 36;

/**
 * Fetches a file over http or https. The bytes go to `<path>.part` and are renamed when all are there and right, so
 * `path` is whole or absent. A broken connection is taken up where it broke, in this call (with backoff) or in a later
 * one; a file that changed meanwhile is begun anew. Of several processes that fetch the same path one does the work
 * (`<path>.lock`) and the others wait for it. A file that is already there is kept when its SHA-256 is the wanted one.
 * @throws InputError on a bad URL or status, a wrong size or SHA-256 (nothing is left then), more than `maxBytes`, a
 * folder that cannot be written, or a connection that keeps breaking (the part is left); the reason of an aborted signal.
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<Downloaded> {
  const shown = displayUrl(parseUrl(url));
  const sha256 = options.sha256 === undefined ? undefined : checkSha256(options.sha256, `${shown}: sha256`);
  const wanted = { size: options.expectedSize, sha256 };
  makeFolder(dirname(path));
  const aborter = new AbortController();
  const listening = new AbortController();
  const abortWith = (signal: AbortSignal) => {
    const abort = () => aborter.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { signal: listening.signal });
  };
  if (options.signal) abortWith(options.signal);
  const { signal } = aborter;
  const onWait = () => options.onProgress?.(sizeOf(`${path}.part`) ?? 0, options.expectedSize);
  const before = versionOf(path);
  const fetch = async (lock: HeldLock) => {
    abortWith(lock.lost);
    const present = await existing(path, wanted, lock.waited && versionOf(path) !== before);
    return present ?? (await fetchFile(url, path, { ...options, sha256, signal }));
  };
  try {
    return await withLock(`${path}.lock`, fetch, { onWait, signal });
  } finally {
    listening.abort();
  }
}

function sizeOf(path: string): number | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size : undefined;
}

// Tells a file from its replacement.
function versionOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return `${stat?.ino} ${stat?.mtimeMs}`;
}

// The file that is there, if it is the wanted one: by its hash, or because somebody else has just fetched it.
async function existing(path: string, wanted: Expectation, fresh: boolean): Promise<Downloaded | undefined> {
  const bytes = sizeOf(path);
  if (bytes === undefined || (wanted.size !== undefined && wanted.size !== bytes)) return undefined;
  if (wanted.sha256 === undefined && !fresh) return undefined;
  const sha256 = await sha256File(path);
  if (wanted.sha256 !== undefined && wanted.sha256 !== sha256) return undefined;
  return { path, bytes, sha256, fromCache: true };
}

async function fetchFile(url: string, path: string, options: DownloadOptions): Promise<Downloaded> {
  const shown = displayUrl(parseUrl(url));
  const part = await openPart(path, shown, options.sha256);
  let mark = part.bytes;
  let begunAnew = false;
  const unlessEtag = sizeOf(path) === undefined ? undefined : options.unlessEtag;
  const advanced = () => {
    const worth = part.bytes >= mark + progressWorth;
    mark = Math.max(mark, part.bytes);
    return worth;
  };
  const attempt = async (): Promise<Downloaded> => {
    const unchanged = isWhole(part, options) ? undefined : await fetchRest(url, path, part, { ...options, unlessEtag });
    if (unchanged) return unchanged;
    const sha256 = part.hash.copy().digest('hex');
    if (part.sha256 !== undefined && part.sha256 !== sha256) {
      const again = part.continued && !begunAnew;
      begunAnew = true;
      const error = refused(part, `${shown}: expected SHA-256 ${part.sha256}, got ${sha256}; what came was removed`);
      throw again ? failed(error.message, { transient: true }) : error;
    }
    options.signal?.throwIfAborted();
    onDisk(path, () => renameSync(part.path, path));
    removePart(part);
    return { path, bytes: part.bytes, sha256, fromCache: false, etag: part.etag };
  };
  return withRetries(attempt, options, advanced);
}

function isWhole(part: Part, { sha256, expectedSize }: DownloadOptions): boolean {
  return sha256 !== undefined && part.bytes > 0 && part.bytes === expectedSize;
}

/** One request: the bytes that are missing, or all, or the finding that the file on disk is still the server's. */
async function fetchRest(
  url: string,
  path: string,
  part: Part,
  options: DownloadOptions,
): Promise<Downloaded | undefined> {
  if (!canContinue(part)) emptyPart(part);
  const answer = await request(url, { ...options, headers: requestHeaders(part, options) });
  try {
    const etag = answer.headers.etag;
    if (options.unlessEtag !== undefined && (answer.status === 304 || etag === options.unlessEtag)) {
      removePart(part);
      return { path, bytes: sizeOf(path) ?? 0, sha256: await sha256File(path), fromCache: true, etag };
    }
    const expected = promises(answer, options);
    const total = startOf(answer, part, expected);
    checkOffer(answer, part, total, expected.size, options);
    const whole = expected.size ?? total;
    if (part.bytes !== total) await receive(answer, part, whole, options);
    return undefined;
  } finally {
    answer.body.destroy();
  }
}

function requestHeaders(part: Part, options: DownloadOptions): Record<string, string> {
  // A compressed body has other lengths and ranges than the file.
  const headers: Record<string, string> = { ...options.headers, 'accept-encoding': 'identity' };
  if (part.bytes > 0) {
    headers.range = `bytes=${part.bytes}-`;
    if (part.etag !== undefined) headers['if-range'] = part.etag;
  } else if (options.unlessEtag !== undefined) {
    headers['if-none-match'] = options.unlessEtag;
  }
  return headers;
}

function promises(answer: Answer, { expectedSize, sha256, promised }: DownloadOptions): Expectation {
  let known: Expectation = { size: expectedSize, sha256 };
  for (const headers of promised ? answer.hops : []) {
    const more = promised?.(headers);
    known = { size: known.size ?? more?.size, sha256: known.sha256 ?? more?.sha256 };
  }
  return known;
}

/**
 * Readies the part for what the answer brings: the rest, or everything from byte 0. Returns the length of the whole
 * file as far as the answer says; nothing is missing when the part has it.
 */
function startOf(answer: Answer, part: Part, promised: Expectation): number | undefined {
  const { status, headers, from } = answer;
  // A weak ETag ("W/...") does not promise the same bytes.
  const etag = headers.etag?.startsWith('"') ? headers.etag : undefined;
  const changed = () => {
    emptyPart(part);
    return failed(`${from}: the file changed while it was fetched`, { transient: true });
  };
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw failed(`${from}: expected the file as it is, got it compressed (${encoding})`, { transient: false });
  }
  if (status === 200) {
    beginPart(part, etag, promised.sha256);
    const length = headers['content-length'];
    return length === undefined ? undefined : Number(length);
  }
  if (part.bytes === 0 || (status !== 206 && status !== 416)) throw statusError(answer);
  const other = (ours: string | undefined, theirs: string | undefined) =>
    ours !== undefined && theirs !== undefined && ours !== theirs;
  if (other(part.etag, etag) || other(part.sha256, promised.sha256)) throw changed();
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
  const total = range?.[2] === undefined || range[2] === '*' ? undefined : Number(range[2]);
  if (status === 416 && total === part.bytes) return total;
  if (status === 416 || Number(range?.[1]) !== part.bytes) throw changed();
  part.continued = true;
  part.sha256 ??= promised.sha256;
  return total;
}

function checkOffer(
  { from }: Answer,
  part: Part,
  total: number | undefined,
  expected: number | undefined,
  { maxBytes = defaultMaxBytes }: DownloadOptions,
): void {
  if (total !== undefined && expected !== undefined && total !== expected) {
    throw refused(part, `${from}: expected ${expected} bytes, the server offers ${total}`);
  }
  const size = total ?? expected ?? 0;
  if (size > maxBytes) throw refused(part, `${from}: a file of ${size} bytes is over the limit of ${maxBytes}`);
}

// What was fetched is of no use: it goes, and trying again would bring the same.
function refused(part: Part, message: string): InputError {
  emptyPart(part);
  removePart(part);
  return failed(message, { transient: false });
}

async function receive(
  { body, from }: Answer,
  part: Part,
  whole: number | undefined,
  { maxBytes = defaultMaxBytes, onProgress, signal }: DownloadOptions,
): Promise<void> {
  const limit = whole ?? maxBytes;
  const file = await opened(part.path);
  try {
    for await (const chunk of body.chunks()) {
      if (part.bytes + chunk.length > limit) throw refused(part, `${from}: expected at most ${limit} bytes, more came`);
      await written(file, chunk, part);
      part.hash.update(chunk);
      part.bytes += chunk.length;
      onProgress?.(part.bytes, whole);
    }
    await file.sync();
  } catch (error) {
    throw error instanceof InputError ? error : connectionError(error, from, signal);
  } finally {
    await file.close();
  }
  if (whole !== undefined && part.bytes < whole) {
    throw failed(`${from}: the answer ended after ${part.bytes} of ${whole} bytes`, { transient: true });
  }
}

async function opened(path: string): Promise<FileHandle> {
  return open(path, 'r+').catch(error => {
    throw new InputError(`${path}: cannot be written: ${reasonOf(error)}`);
  });
}

async function written(file: FileHandle, chunk: Buffer, part: Part): Promise<void> {
  try {
    for (let done = 0; done < chunk.length; ) {
      done += (await file.write(chunk, done, chunk.length - done, part.bytes + done)).bytesWritten;
    }
  } catch (error) {
    throw new InputError(`${part.path}: cannot be written: ${reasonOf(error)}`);
  }
}
