import { InputError } from '../errors.js';
import { opaque } from './codecs/gather.js';
import { type Picture, toRgb } from './picture.js';

/** What a canvas gives and takes; the browser's `ImageData` is one. */
export interface CanvasPixels {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and opacity of each pixel, 0 to 255. */
  readonly data: Uint8ClampedArray | Uint8Array;
}

/**
 * A picture out of a canvas, as the file it was drawn from would be read: of RGB, or RGBA where something is not
 * opaque. Canvases hold colours multiplied by opacity, so what is not opaque is no longer exact; and colours are those
 * of the file only if nothing converted them on the way:
 *
 *     const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', imageOrientation: 'none' });
 *     const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
 *     context.drawImage(bitmap, 0, 0);
 *     const picture = pictureOfCanvas(context.getImageData(0, 0, bitmap.width, bitmap.height));
 *
 * A file with a palette is resized here as the colours that it shows.
 *
 * @throws InputError when there are not four values for each pixel
 */
export function pictureOfCanvas({ width, height, data }: CanvasPixels): Picture {
  if (!(width > 0 && height > 0 && data.length === 4 * width * height)) {
    throw new InputError(`pictureOfCanvas: ${width} x ${height} pixels need four values each, got ${data.length}`);
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  const rgba: Picture = { width, height, mode: 'RGBA', data: bytes.slice(), orientation: 1, format: 'png' };
  for (let i = 3; i < bytes.length; i += 4) if (bytes[i] !== 255) return rgba;
  return toRgb(rgba);
}

/** A picture for a canvas: `context.putImageData(new ImageData(data, width, height), 0, 0)` with what is returned. */
export function canvasOfPicture(picture: Picture): { width: number; height: number; data: Uint8ClampedArray } {
  const { width, height, data } = toRgb(picture);
  return { width, height, data: new Uint8ClampedArray(opaque(data).buffer) };
}
