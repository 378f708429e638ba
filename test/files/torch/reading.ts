/** The readers under test over bytes in memory. */
import { bytesFromMemory } from '../../../src/files/byteSource.js';
import type { TensorFile } from '../../../src/files/tensorFile.js';
import { torchRules } from '../../../src/files/torch/globals.js';
import { openTorch } from '../../../src/files/torch/open.js';
import { type Unpickled, unpickle } from '../../../src/files/torch/pickle.js';
import { floats, torchZip } from './fileBytes.js';
import { expectRefused } from './refused.js';

/** Opens a checkpoint called `a.pt`. */
export function open(bytes: Uint8Array): TensorFile {
  return openTorch(bytesFromMemory(bytes, 'a.pt'));
}

/** A zip of this pickle and one storage '0' of six floats, opened. */
export function openSix(data: Uint8Array): TensorFile {
  return open(torchZip(data, { 0: floats(0, 1, 2, 3, 4, 5) }));
}

/** Expects a refusal that names `a.pt` and holds every part. */
export function refused(run: () => unknown, ...parts: string[]): void {
  expectRefused(run, 'a.pt: ', ...parts);
}

/** Reads a pickle called `a.pkl` by the rules of a checkpoint. */
export function read(bytes: Uint8Array): Unpickled {
  return unpickle(bytesFromMemory(bytes, 'a.pkl'), 0, torchRules(new Map(), false));
}

/** Expects `read` to refuse a pickle, naming the byte. */
export function refusedPickle(bytes: Uint8Array, ...parts: string[]): void {
  expectRefused(() => read(bytes), 'a.pkl: byte ', ...parts);
}
