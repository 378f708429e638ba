import { InputError } from '../errors.js';
import { maxFileSize, maxTextSize } from './limits.js';

/**
 * Fetches a vocabulary for `createTokenizer` in a page.
 *
 * @param from CLIP's list of merges, packed by gzip or not: its address, or a file or bytes that the page has. Without
 * it the one in the package, which bundlers that follow `new URL(…, import.meta.url)` (Vite, webpack, Parcel) bring
 * along; otherwise serve `clipscope/data/bpe_simple_vocab_16e6.txt.gz` and say where.
 * @returns the list, unpacked.
 * @throws InputError when there is no such file, or it is too large or broken.
 */
export async function fetchVocabulary(
  from: string | URL | Blob | Uint8Array = new URL('../../data/bpe_simple_vocab_16e6.txt.gz', import.meta.url),
): Promise<Uint8Array> {
  const { name, body } = await opened(from);
  const packed = await collected(body, maxFileSize, name);
  // Servers may have unpacked it on the way.
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) return packed;
  // Pages' types and Node's differ in what they let through; the bytes do not.
  const gunzip = new DecompressionStream('gzip') as unknown as {
    readable: ReadableStream<Uint8Array>;
    writable: WritableStream<Uint8Array>;
  };
  return collected(streamOf(packed).pipeThrough(gunzip), maxTextSize, name);
}

const streamOf = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new Blob([bytes as Uint8Array<ArrayBuffer>]).stream() as ReadableStream<Uint8Array>;

async function opened(
  from: string | URL | Blob | Uint8Array,
): Promise<{ name: string; body: ReadableStream<Uint8Array> }> {
  if (from instanceof Uint8Array) return { name: 'vocabulary', body: streamOf(from) };
  if (from instanceof Blob) return { name: 'vocabulary', body: from.stream() as ReadableStream<Uint8Array> };
  const name = String(from);
  const mend = "serve it, or pass the vocabulary's address or bytes";
  const response = await fetch(from).catch(() => {
    throw new InputError(`${name}: cannot be fetched; ${mend}`);
  });
  if (response.ok && response.body) return { name, body: response.body as ReadableStream<Uint8Array> };
  throw new InputError(`${name}: the server answers ${response.status}; ${mend}`);
}

async function collected(body: ReadableStream<Uint8Array>, most: number, name: string): Promise<Uint8Array> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const next = () =>
    reader.read().catch(error => {
      throw new InputError(`${name}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    });
  for (let { done, value } = await next(); !done; { done, value } = await next()) {
    size += value!.length;
    if (size > most) {
      void reader.cancel();
      throw new InputError(`${name}: expected a vocabulary of at most ${most} bytes, got more`);
    }
    chunks.push(value!);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
