/** A picture file as pixels, read by the browser. */
import { InputError } from '../../../errors.js';
import { quoted } from '../../../files/quote.js';
import { pictureOfCanvas } from '../../../image/imageData.js';
import { type Picture, toRgb } from '../../../image/picture.js';
import { resize } from '../../../image/resize.js';
import { pictureSize } from './pictureSize.js';

/** Larger files are not looked into. */
const mostBytes = 64 << 20;
/** Decoded, a pixel takes four bytes. */
const mostPixels = 64e6;
/** Maps have the picture's size; beyond this they show no more. */
const longestSide = 640;

/**
 * The picture in a file, upright, its long side at most 640 pixels.
 *
 * @throws InputError for a file that is too large or claims too many pixels, before it is decoded, or that is none
 */
export async function pictureOf(file: Blob, name: string): Promise<Picture> {
  const what = quoted(name, 60);
  if (file.size > mostBytes) {
    throw new InputError(`${what}: expected a picture of at most 64 MiB, got ${(file.size / 2 ** 20).toFixed(0)} MiB`);
  }
  const size = pictureSize(new Uint8Array(await file.arrayBuffer()));
  if (!size) throw new InputError(`${what}: expected a PNG, JPEG, WebP, BMP or GIF picture; convert it to one`);
  if (size.width * size.height > mostPixels) {
    throw new InputError(
      `${what}: its header says ${size.width} x ${size.height}, at most 64 million pixels are read; scale it down`,
    );
  }
  const bitmap = await createImageBitmap(file, {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
    imageOrientation: 'from-image',
  }).catch(() => {
    throw new InputError(`${what}: the picture is damaged; get the file again`);
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const picture = toRgb(pictureOfCanvas(context.getImageData(0, 0, width, height)));
  const factor = longestSide / Math.max(width, height);
  if (factor >= 1) return picture;
  const side = (pixels: number) => Math.max(1, Math.round(pixels * factor));
  return resize(picture, side(width), side(height), 'bicubic');
}
