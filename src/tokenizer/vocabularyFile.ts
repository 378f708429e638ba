/** How Node finds and unpacks a vocabulary; a browser has `vocabularyFile.browser.ts` in its place. */
import { fileURLToPath } from 'node:url';
import { constants, gunzipSync } from 'node:zlib';
import { InputError } from '../errors.js';
import { type ByteSource, bytesFromMemory } from '../files/byteSource.js';
import { openBytes } from '../files/bytes.js';
import { maxTextSize } from './limits.js';

const shipped = fileURLToPath(new URL('../../data/bpe_simple_vocab_16e6.txt.gz', import.meta.url));

/** A vocabulary by its path or its bytes, CLIP's own when neither is given. @throws InputError as `openBytes` does. */
export const openVocabulary = (file: string | Uint8Array = shipped): ByteSource =>
  typeof file === 'string' ? openBytes(file) : bytesFromMemory(file, 'vocabulary');

/**
 * Unpacks gzip.
 * @param whole whether these are all bytes of the file, or its beginning
 * @throws InputError naming the file, when they are no gzip or far too many
 */
export function gunzip(bytes: Uint8Array, whole: boolean, name: string): Uint8Array {
  try {
    const finishFlush = whole ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
    return gunzipSync(bytes, { finishFlush, maxOutputLength: maxTextSize });
  } catch (error) {
    throw new InputError(`${name}: expected a vocabulary packed by gzip: ${(error as Error).message}`);
  }
}
