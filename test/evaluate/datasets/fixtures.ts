/** Small data sets written by the tests, and the samples of real ones where they are at hand. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import type { Context } from 'mocha';
import { crc32 } from '../../../src/files/crc32.js';
import { encodePicture } from '../../../src/image/encode.js';
import { type Picture, rgbPicture } from '../../../src/image/picture.js';

const samples = fileURLToPath(new URL('../../../../shared/data/samples/', import.meta.url));

/** The path of a sample; skips the running test, saying why, when it is not there. */
export function samplePath(test: Context, relative: string): string {
  const path = join(samples, relative);
  if (existsSync(path)) return path;
  console.log(
    `      skipped: ${relative} may not be passed on and lives beside the repository (../shared/data/samples)`,
  );
  return test.skip();
}

/** Size of every image that is written here, unless told otherwise. */
export const size = { width: 4, height: 3 };

/** Numbers of a map of that size: these, and then the first of them. */
export const filled = (numbers: readonly number[], { width, height } = size): number[] =>
  Array.from({ length: width * height }, (_, i) => numbers[i] ?? numbers[0]!);

type Numbers = Uint8Array | Uint16Array;

const picture = (data: Numbers, mode: Picture['mode'], { width, height } = size): Picture => ({
  ...{ width, height, mode, data, orientation: 1, format: 'png' },
  ...(mode === 'P' && { palette: { rgb: Uint8Array.from({ length: 768 }, (_, i) => (i * 37) & 255) } }),
});

/** A palette PNG of 8 bits. */
export const paletteMap = (numbers: readonly number[], mapSize = size): Promise<Uint8Array> =>
  encodePicture(picture(Uint8Array.from(filled(numbers, mapSize)), 'P', mapSize), '.png');
/** A grey PNG of 8 bits. */
export const greyMap = (numbers: readonly number[]): Promise<Uint8Array> =>
  encodePicture(picture(Uint8Array.from(filled(numbers)), 'L'), '.png');
/** A grey PNG of 16 bits. */
export const wideMap = (numbers: readonly number[]): Promise<Uint8Array> =>
  encodePicture(picture(Uint16Array.from(filled(numbers)), 'I;16'), '.png');

const encoded = new Map<string, Promise<Uint8Array>>();

/** An image of one colour, in the format that the extension names. */
export function image(extension = '.jpg'): Promise<Uint8Array> {
  const { width, height } = size;
  const known = encoded.get(extension);
  const bytes =
    known ?? encodePicture(rgbPicture(width, height, new Uint8Array(width * height * 3).fill(90)), extension);
  encoded.set(extension, bytes);
  return bytes;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(typed.length + 8);
  out.writeUInt32BE(data.length);
  typed.copy(out, 4);
  out.writeUInt32BE(crc32(typed), typed.length + 4);
  return out;
}

/** A PNG with 1, 2, 4 or 8 bits a pixel, palette (colour type 3) or grey (0). */
export function packedPng(
  numbers: readonly number[],
  bits: number,
  colourType: 0 | 3,
  { width, height } = size,
): Buffer {
  const header = Buffer.from([0, 0, 0, width, 0, 0, 0, height, bits, colourType, 0, 0, 0]);
  const rowBytes = Math.ceil((width * bits) / 8);
  const rows = Buffer.alloc(height * (1 + rowBytes));
  for (const [i, number] of filled(numbers, { width, height }).entries()) {
    const bit = (i % width) * bits;
    rows[Math.floor(i / width) * (1 + rowBytes) + 1 + (bit >> 3)]! |= number << (8 - bits - (bit & 7));
  }
  const palette = Buffer.alloc(3 * 2 ** bits, 200);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...(colourType === 3 ? [chunk('PLTE', palette)] : []),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Files by their paths below a folder. */
export type Tree = Readonly<Record<string, string | Uint8Array | Promise<Uint8Array>>>;

export async function writeTree(dir: string, tree: Tree): Promise<void> {
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), await content);
  }
}

/** Pascal VOC with a label map an image, in the order of the list. */
export const vocTree = (maps: Readonly<Record<string, Uint8Array | Promise<Uint8Array>>>, root = ''): Tree => ({
  ...Object.fromEntries(
    Object.entries(maps).flatMap(([id, map]) => [
      [`${root}JPEGImages/${id}.jpg`, image()],
      [`${root}SegmentationClass/${id}.png`, map],
    ]),
  ),
  [`${root}ImageSets/Segmentation/val.txt`]: `${Object.keys(maps).join('\n')}\n`,
});
