// biome-ignore-all lint/suspicious/noControlCharactersInRegex: file signatures are made of control characters
import { InputError } from '../errors.js';
import type { PictureFormat } from './picture.js';

/** A file's first bytes as text, one character a byte, so that signatures read as themselves. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, end);
}

/** How many leading bytes `pictureFormat` looks at. */
export const sniffLength = 512;

/** Signatures of the formats that are read; a dot stands for any byte. */
const readable: readonly (readonly [RegExp, PictureFormat])[] = [
  [/^\x89PNG\r\n\x1a\n/s, 'png'],
  [/^\xff\xd8\xff/s, 'jpeg'],
  [/^GIF8[79]a/s, 'gif'],
  [/^RIFF....WEBP/s, 'webp'],
  // "BM" alone begins many a text: the size of the second header, 12 to 124, must follow.
  [/^BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0/s, 'bmp'],
];

/** What else people hand over that holds a picture. */
const convertible: readonly (readonly [RegExp, string])[] = [
  [/^(?:\xef\xbb\xbf)?\s*<(?=.*<svg\b|svg\b)/is, 'an SVG drawing'],
  [/^%PDF-/s, 'a PDF document'],
  [/^....ftypavi[fs]/s, 'an AVIF picture'],
  [/^....ftyp(?:hei|hev|mif1|msf1)/s, 'a HEIC picture'],
  [/^....ftyp/s, 'a video'],
  [/^(?:II[*+]\0|MM\0[*+])/s, 'a TIFF picture'],
  [/^(?:\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/s, 'a JPEG 2000 picture'],
  [/^(?:\xff\x0a|\0\0\0\x0cJXL )/s, 'a JPEG XL picture'],
  [/^\0\0[\x01\x02]\0[^\0]/s, 'a Windows icon'],
  [/^8BPS/s, 'a Photoshop document'],
  [/^v\/1\x01/s, 'an OpenEXR picture'],
  [/^qoif/s, 'a QOI picture'],
  [/^P[1-7]\s/s, 'a Netpbm picture'],
];

/** And what holds none. */
const others: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'an empty file'],
  [/^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html\b|head\b|body\b)/i, 'an HTML page (a failed download?)'],
  [/^(?:\xef\xbb\xbf)?\s*<\?xml/, 'an XML text'],
  [/^PK\x03\x04/s, 'a zip archive'],
  [/^\x1f\x8b/s, 'a gzip archive'],
  [/^version https:\/\/git-lfs/s, 'a Git LFS pointer; run git lfs pull'],
  [/[\x00-\x08\x0e-\x1a\x1c-\x1f]/, 'unknown binary data'],
];

/**
 * Recognises a picture by its first bytes (`sniffLength` of them are enough), never by its file name.
 * @throws InputError when they begin no picture that is read, naming what they look like instead.
 */
export function pictureFormat(bytes: Uint8Array, name: string): PictureFormat {
  const head = latin1(bytes, 0, sniffLength);
  const meaning = <T>(table: readonly (readonly [RegExp, T])[]) => table.find(([begin]) => begin.test(head))?.[1];
  const format = meaning(readable);
  if (format) return format;
  const picture = meaning(convertible);
  const got = picture ? `${picture}; convert it to PNG first` : (meaning(others) ?? 'text');
  throw new InputError(`${name}: expected a PNG, JPEG, WebP, BMP or GIF picture, got ${got}`);
}
