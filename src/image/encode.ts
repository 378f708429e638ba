import { extname } from 'node:path';
import { InputError, suggestion } from '../errors.js';
import { writeAtomic } from '../files/atomic.js';
import { opaque } from './codecs/gather.js';
import { encodeMozjpeg } from './codecs/jpegEncode.js';
import { applyOrientation, type Picture, toRgb } from './picture.js';
import { encodePng } from './png/encode.js';

/** How pictures are encoded. */
export interface EncodeOptions {
  /** JPEG: 1 (smallest) to 100 (best); 90 by default. */
  readonly quality?: number;
  /** PNG: zlib's level, 0 (fastest) to 9 (smallest); 6 by default. */
  readonly level?: number;
}

type Encode = (picture: Picture, options: EncodeOptions, path: string) => Promise<Uint8Array>;

/** JPEG's headers have 16 bits for each side. */
const longestJpegSide = 65_535;

const encodeJpeg: Encode = async (picture, { quality = 90 }, path) => {
  const { width, height } = picture;
  if (Math.max(width, height) > longestJpegSide) {
    throw new InputError(
      `${path}: a JPEG has at most ${longestJpegSide} pixels a side, got ${width} x ${height}; write a PNG`,
    );
  }
  return encodeMozjpeg(toRgb(picture), quality);
};

const encoders: Readonly<Record<string, Encode>> = {
  '.png': async (picture, { level }) => encodePng(picture, level),
  '.jpg': encodeJpeg,
  '.jpeg': encodeJpeg,
  '.bmp': async picture => (await jimpOf(picture)).getBuffer('image/bmp'),
};

const writtenExtensions: readonly string[] = Object.keys(encoders);

/**
 * Refuses a path whose extension names no format that is written: call it before long work whose result goes there.
 * @throws InputError naming the extensions that are.
 */
export function checkPictureExtension(path: string): void {
  encoderFor(path);
}

function encoderFor(path: string): Encode {
  const extension = extname(path.startsWith('.') ? `picture${path}` : path).toLowerCase();
  const encoder = Object.hasOwn(encoders, extension) ? encoders[extension] : undefined;
  if (encoder) return encoder;
  throw new InputError(
    `${path}: expected a name that ends in ${writtenExtensions.join(', ')}, got ` +
      `${extension ? `'${extension}'` : 'no extension'}${extension ? suggestion(extension, writtenExtensions) : ''}`,
  );
}

/**
 * A picture as the bytes of a file in the format that the extension of `path` (or `path` itself, as in `.png`) names.
 * PNG keeps the mode, values and palette; JPEG and BMP hold RGB, so alpha is dropped. The EXIF orientation is applied,
 * since none is written.
 * @throws InputError when no format that is written has this extension, an option is out of range, or a JPEG would have
 *   a side of more than 65,535 pixels.
 */
export async function encodePicture(picture: Picture, path: string, options: EncodeOptions = {}): Promise<Uint8Array> {
  const encode = encoderFor(path);
  checkRange('quality', options.quality, 1, 100);
  checkRange('level', options.level, 0, 9);
  return encode(applyOrientation(picture), options, path);
}

function checkRange(option: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw new InputError(`encodePicture: expected ${option} to be a whole number from ${least} to ${most}, got ${value}`);
}

/**
 * Writes a picture file, whole or not at all, in the format that its extension names; see `encodePicture`.
 * @throws InputError also when the folder is missing or not writable; a file that was there stays as it was.
 */
export async function writePicture(path: string, picture: Picture, options: EncodeOptions = {}): Promise<void> {
  writeAtomic(path, await encodePicture(picture, path, options));
}

/** The picture's RGB values as jimp keeps pictures. */
async function jimpOf(picture: Picture) {
  const { Jimp } = await import('jimp');
  const { width, height, data } = toRgb(picture);
  return new Jimp({ width, height, data: Buffer.from(opaque(data).buffer) });
}
