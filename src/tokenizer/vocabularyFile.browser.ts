/** In the place of `vocabularyFile.ts`: a page gives the bytes, unpacked before, since a browser does not do so at once. */
import { InputError } from '../errors.js';
import { type ByteSource, bytesFromMemory } from '../files/byteSource.js';

const mend = 'pass the bytes that fetchVocabulary gives';

export function openVocabulary(file?: string | Uint8Array): ByteSource {
  if (file instanceof Uint8Array) return bytesFromMemory(file, 'vocabulary');
  const got = file === undefined ? 'nothing' : 'a path';
  throw new InputError(`createTokenizer: expected a vocabulary, got ${got}; ${mend}`);
}

export function gunzip(_bytes: Uint8Array, _whole: boolean, name: string): Uint8Array {
  throw new InputError(`${name}: expected a vocabulary that is unpacked, got one packed by gzip; ${mend}`);
}
