/** Golden arrays as the files that the command line takes. */
import { writeFileSync } from 'node:fs';
import { safetensorsBytes } from '../../src/files/safetensors/write.js';
import { encodePicture } from '../../src/image/encode.js';
import { rgbPicture } from '../../src/image/picture.js';
import type { GoldenTensor } from '../goldens.js';

/** Normalised pixels under the name that commands look for. */
export function writePixels(path: string, { data, shape }: Pick<GoldenTensor, 'data' | 'shape'>): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  writeFileSync(path, safetensorsBytes([['pixels', { dtype: 'F32', shape, bytes }]]));
  return path;
}

/** A golden `[height, width, 3]` of bytes as a PNG. */
export async function writePng(path: string, { data, shape }: GoldenTensor): Promise<string> {
  writeFileSync(path, await encodePicture(rgbPicture(shape[1]!, shape[0]!, data as Uint8Array), '.png'));
  return path;
}
