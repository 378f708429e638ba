/** Small pictures to draw on, and a look at their pixels. */
import { type Picture, rgbPicture } from '../../../src/image/picture.js';

export const white = [255, 255, 255] as const;
export const black = [0, 0, 0] as const;

/** A picture whose values are all the same. */
export const flat = (width: number, height: number, value: number) =>
  rgbPicture(width, height, new Uint8Array(width * height * 3).fill(value));

/** Red, green and blue of one pixel. */
export const pixel = ({ width, data }: Pick<Picture, 'width' | 'data'>, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];
