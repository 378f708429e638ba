import { InputError } from '../errors.js';
import { openBytes } from '../files/bytes.js';
import { decodeBmp } from './codecs/bmp.js';
import { decodeGif } from './codecs/gif.js';
import { decodeJpeg } from './codecs/jpeg.js';
import { decodeWebp } from './codecs/webp.js';
import { defaultMaxPixels, maxFileBytes } from './limits.js';
import type { Picture } from './picture.js';
import { decodePng } from './png/decode.js';
import { pictureFormat, sniffLength } from './sniff.js';

/** How pictures are decoded. */
export interface DecodeOptions {
  /** A picture whose header claims more pixels is refused unread; 178,956,970 by default, where Pillow stops. */
  readonly maxPixels?: number;
}

/**
 * Decodes a PNG, JPEG, WebP, BMP or GIF file (its first frame) that is already in memory, recognised by its content.
 * Size, mode and values are those of Pillow's `Image.open`; the EXIF orientation is read and not applied (see
 * `applyOrientation`). Packages are loaded when a picture first needs them: WebAssembly for JPEG and WebP, jimp for
 * JPEG of four channels, none for the rest.
 *
 * @param name what error messages call the picture
 * @throws InputError when the bytes are no such picture (saying what they look like), claim no pixels or more than
 *   `maxPixels` (before anything of that size is allocated), or are damaged or cut short
 */
export async function decodePicture(bytes: Uint8Array, name: string, options: DecodeOptions = {}): Promise<Picture> {
  const limit = options.maxPixels ?? defaultMaxPixels;
  const format = pictureFormat(bytes, name);
  switch (format) {
    case 'png':
      return decodePng(bytes, name, limit);
    case 'jpeg':
      return decodeJpeg(bytes, name, limit);
    case 'webp':
      return decodeWebp(bytes, name, limit);
    case 'gif':
      return decodeGif(bytes, name, limit);
    case 'bmp':
      return decodeBmp(bytes, name, limit);
  }
}

/**
 * Reads and decodes a picture file; see `decodePicture`. A file that begins no picture, or is larger than 1 GiB, is
 * refused before it is read.
 * @throws InputError also when the path is missing, unreadable or a folder
 */
export async function readPicture(path: string, options: DecodeOptions = {}): Promise<Picture> {
  const source = openBytes(path);
  let bytes: Uint8Array;
  try {
    pictureFormat(source.read(0, Math.min(source.size, sniffLength)), path);
    if (source.size > maxFileBytes) {
      throw new InputError(`${path}: expected a picture of at most ${maxFileBytes} bytes, got ${source.size}`);
    }
    bytes = source.read(0, source.size);
  } finally {
    source.close();
  }
  return decodePicture(bytes, path, options);
}
