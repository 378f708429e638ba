import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { InputError } from '../errors.js';
import { reasonOf } from './bytes.js';
import { quoted } from './quote.js';

/** Feeds the first `bytes` bytes of a file to a hash, without holding them in memory. */
export async function hashFileInto(hash: Hash, path: string, bytes: number): Promise<void> {
  if (bytes === 0) return;
  try {
    const stream = createReadStream(path, { end: bytes - 1, highWaterMark: 1 << 20 });
    for await (const chunk of stream as AsyncIterable<Buffer>) hash.update(chunk);
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${reasonOf(error)}`);
  }
}

/** The SHA-256 of a file, as 64 lower-case hexadecimal digits. @throws InputError when it cannot be read. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  await hashFileInto(hash, path, Number.POSITIVE_INFINITY);
  return hash.digest('hex');
}

/** A SHA-256 in lower case. @throws InputError when it is not 64 hexadecimal digits. */
export function checkSha256(text: string, where: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new InputError(`${where}: expected a SHA-256 of 64 hexadecimal digits, got ${quoted(text)}`);
}
