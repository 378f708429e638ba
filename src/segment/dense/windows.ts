/** Where the sliding windows lie, by the conventions that SCLIP, ClearCLIP and NACLIP share. */
import { InputError } from '../../errors.js';
import { checkWhole } from './checks.js';

/** A rectangle of pixels: rows `y1..y2 - 1`, columns `x1..x2 - 1`. */
export interface WindowRect {
  readonly y1: number;
  readonly x1: number;
  readonly y2: number;
  readonly x2: number;
}

/** Pixels added on each side of an image. */
export interface Padding {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const mostWindows = 65_536;

const spanCount = (length: number, crop: number, stride: number): number =>
  Math.ceil(Math.max(length - crop, 0) / stride) + 1;

/** First and last-plus-one position of each window along one axis. */
function spans(length: number, crop: number, stride: number): [start: number, end: number][] {
  return Array.from({ length: spanCount(length, crop, stride) }, (_, i) => {
    const end = Math.min(i * stride + crop, length);
    return [Math.max(end - crop, 0), end];
  });
}

/**
 * The windows over an image of `height` x `width` pixels, row by row. Each is `crop` pixels square; the last of a row or
 * column is shifted back to the border, and an image smaller than `crop` gives a window of its own size on that side.
 * `crop` 0: one window, the whole image.
 * @throws InputError for sizes that are not whole, a stride above the crop (it would leave gaps), or over 65,536 windows.
 */
export function slidingWindows(height: number, width: number, crop: number, stride: number): WindowRect[] {
  checkWhole(height, 'slidingWindows: height', 1);
  checkWhole(width, 'slidingWindows: width', 1);
  checkWhole(crop, 'slidingWindows: window', 0);
  if (crop === 0) return [{ y1: 0, x1: 0, y2: height, x2: width }];
  checkWhole(stride, 'slidingWindows: stride', 1);
  if (stride > crop) {
    throw new InputError(
      `slidingWindows: a stride of ${stride} leaves gaps between windows of ${crop}; make it smaller`,
    );
  }
  const count = spanCount(height, crop, stride) * spanCount(width, crop, stride);
  if (count > mostWindows) {
    throw new InputError(`slidingWindows: ${count} windows, at most ${mostWindows}; make the stride or window larger`);
  }
  const columns = spans(width, crop, stride);
  return spans(height, crop, stride).flatMap(([y1, y2]) => columns.map(([x1, x2]) => ({ y1, x1, y2, x2 })));
}

/**
 * Zero padding that brings a window to whole patches, the image in the middle (ClearCLIP): the smaller half goes left and
 * top. All zero when the sides are multiples already.
 */
export function padToMultiple(height: number, width: number, patch: number): Padding {
  checkWhole(patch, 'padToMultiple: patch', 1);
  const across = (patch - (width % patch)) % patch;
  const down = (patch - (height % patch)) % patch;
  const left = Math.floor(across / 2);
  const top = Math.floor(down / 2);
  return { left, right: across - left, top, bottom: down - top };
}
