/**
 * Pictures as CLIPSelf's teacher and student see them: the longest side brought to the model's size, bicubically as
 * Pillow does, and black beside it before anything is normalised.
 */
import { InputError } from '../errors.js';
import { type Picture, rgbPicture, toRgb } from '../image/picture.js';
import { resize } from '../image/resize.js';
import { roundHalfEven } from '../image/resizing/rounding.js';
import type { Box } from './boxes.js';

/**
 * The teacher's view of a box: cut out, its longest side resized to `size`, in the middle of a black square. An odd
 * margin is smaller at left and top.
 *
 * Corners are rounded to whole pixels, halves to the even one, and cut off at the picture's edge; a box that rounds to
 * nothing takes one pixel.
 *
 * @param box in pixels of the picture.
 * @returns an RGB picture of `size x size`.
 * @throws InputError when a number is not finite, no part of the box with an area lies in the picture, or `size` is not
 *   a whole number from 1 to 16384.
 */
export function cropSquare(picture: Picture, box: Box, size: number): Picture {
  const [left, width] = pixelSpan(box.left, box.right, picture.width);
  const [top, height] = pixelSpan(box.top, box.bottom, picture.height);
  // At its own size `resize` only cuts.
  const whole = width === picture.width && height === picture.height;
  const cut = whole ? picture : resize(picture, picture.width, picture.height, 'nearest', { left, top, width, height });
  const part = fitted('cropSquare', cut, size);
  return onBlack(part, size, Math.floor((size - part.width) / 2), Math.floor((size - part.height) / 2));
}

/**
 * The student's view of a picture: its longest side resized to `size`, in the left top corner of a black square.
 *
 * @returns an RGB picture of `size x size`, and how much of it is the image.
 * @throws InputError when `size` is not a whole number from 1 to 16384.
 */
export function padSquare(picture: Picture, size: number): { picture: Picture; width: number; height: number } {
  const part = fitted('padSquare', picture, size);
  return { picture: onBlack(part, size, 0, 0), width: part.width, height: part.height };
}

/** First pixel and number of pixels of a box along a side. */
function pixelSpan(from: number, to: number, length: number): [first: number, count: number] {
  if (!(Number.isFinite(from) && Number.isFinite(to) && from < to && from < length && to > 0)) {
    throw new InputError(
      `cropSquare: expected a box with an area and a part inside ${length} pixels, got ${from} to ${to}`,
    );
  }
  const first = Math.min(Math.max(roundHalfEven(from), 0), length - 1);
  return [first, Math.max(1, Math.min(roundHalfEven(to), length) - first)];
}

/** No model takes larger pictures. */
const maxSide = 16384;

/** The picture with its longest side at `size`, in RGB; resized in its own mode, as the published code does. */
function fitted(name: string, picture: Picture, size: number): Picture {
  if (!(Number.isInteger(size) && size >= 1 && size <= maxSide)) {
    throw new InputError(`${name}: expected a size of 1 to ${maxSide} whole pixels, got ${size}`);
  }
  const scale = size / Math.max(picture.width, picture.height);
  const side = (length: number) => Math.max(1, roundHalfEven(length * scale));
  return toRgb(resize(picture, side(picture.width), side(picture.height), 'bicubic'));
}

function onBlack({ width, height, data }: Picture, size: number, left: number, top: number): Picture {
  const out = new Uint8Array(3 * size * size);
  for (let y = 0; y < height; y++) {
    out.set(data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * ((top + y) * size + left));
  }
  return rgbPicture(size, size, out);
}
