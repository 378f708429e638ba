/**
 * Boxes of an image, in pixels or in shares of its sides, and the cells that an image is cut into for distillation
 * (CLIPSelf, Wu et al., ICLR 2024, arXiv 2310.01403). Where the published code reckons in float32 so does this, because
 * how many points RoIAlign takes of a box hangs on the last bit of its corners.
 */
import { InputError } from '../errors.js';

/** A rectangle by its sides; pixels unless said otherwise. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const { fround } = Math;

/** A box of annotations: left, top, width and height, from place `at` of an array. */
export function boxAt(values: ArrayLike<number>, at = 0): Box {
  const [left, top, width, height] = [0, 1, 2, 3].map(i => values[at + i]!) as [number, number, number, number];
  return { left, top, right: left + width, bottom: top + height };
}

/** Areas in pixels of boxes that CLIPSelf learns from and is judged by. */
const [leastArea, mostArea] = [8 ** 2, 1024 ** 2];

/** Whether a box is large enough to show something, and not too large: of 8^2 to 1024^2 pixels. */
export function isRegionSized({ left, top, right, bottom }: Box): boolean {
  const [width, height] = [right - left, bottom - top];
  return width > 0 && height > 0 && width * height >= leastArea && width * height <= mostArea;
}

/**
 * The part of a box that lies in an image.
 *
 * @throws InputError when a number is not finite, or no part of the box with an area lies in the image.
 */
function inside(name: string, box: Box, width: number, height: number): Box {
  if (!(width > 0 && height > 0 && Number.isFinite(width * height))) {
    throw new InputError(`${name}: expected an image with an area, got ${width} x ${height}`);
  }
  const { left, top, right, bottom } = box;
  const clipped = {
    left: Math.max(left, 0),
    top: Math.max(top, 0),
    right: Math.min(right, width),
    bottom: Math.min(bottom, height),
  };
  const finite = [left, top, right, bottom].every(Number.isFinite);
  if (finite && clipped.left < clipped.right && clipped.top < clipped.bottom) return clipped;
  throw new InputError(
    `${name}: expected left < right and top < bottom with a part inside ${width} x ${height} pixels, got ${shown(box)}`,
  );
}

const shown = ({ left, top, right, bottom }: Box): string => `[${[left, top, right, bottom].join(', ')}]`;

const each = ({ left, top, right, bottom }: Box, across: (x: number) => number, down: (y: number) => number): Box => ({
  left: across(left),
  top: down(top),
  right: across(right),
  bottom: down(bottom),
});

/**
 * A box as shares of an image's width and height; what sticks out is cut off.
 *
 * @throws InputError when a number is not finite, or no part of the box with an area lies in the image.
 */
export function normalised(box: Box, width: number, height: number): Box {
  const part = inside('normalised', box, width, height);
  return each(
    part,
    x => fround(x / width),
    y => fround(y / height),
  );
}

/**
 * A box of a picture as shares of the square that `padSquare` makes of it; what sticks out of the picture is cut off.
 *
 * @param size of the square, which does not matter but to the last bit.
 * @throws InputError when a number is not finite, or no part of the box with an area lies in the picture.
 */
export function inSquare(box: Box, width: number, height: number, size: number): Box {
  const part = inside('inSquare', box, width, height);
  const scale = fround(size / Math.max(width, height));
  const share = (at: number) => fround(fround(fround(at) * scale) / size);
  return each(part, share, share);
}

/** A box given as shares of an image's sides, such as a cell of a grid, in pixels. */
export function inPixels(box: Box, width: number, height: number): Box {
  return each(
    box,
    x => fround(fround(x) * width),
    y => fround(fround(y) * height),
  );
}

/**
 * A box with its sides `factor` times as long around the same centre; what sticks out of the image is cut off.
 *
 * @throws InputError when a number is not finite, the factor is not positive, or nothing of the result with an area lies
 *   in the image.
 */
export function enlarged(box: Box, factor: number, width: number, height: number): Box {
  if (!(factor > 0)) throw new InputError(`enlarged: expected a factor over 0, got ${factor}`);
  const [w, h] = [box.right - box.left, box.bottom - box.top];
  const [x, y] = [box.left + w * 0.5, box.top + h * 0.5];
  const [dx, dy] = [w * factor * 0.5, h * factor * 0.5];
  return inside('enlarged', { left: x - dx, top: y - dy, right: x + dx, bottom: y + dy }, width, height);
}

/**
 * The rows and columns that an image may be cut into: from 1 to `maxSplit` rows, each with half as many columns (rounded
 * up) to twice as many, and never more than `maxSplit`. 24 pairs for 6, of 15 cells on average.
 *
 * @throws InputError when `maxSplit` is not a whole number from 1 to 64.
 */
export function gridChoices(maxSplit: number): readonly (readonly [rows: number, columns: number])[] {
  if (!(Number.isInteger(maxSplit) && maxSplit >= 1 && maxSplit <= 64)) {
    throw new InputError(`gridChoices: expected at most 1 to 64 rows and columns, got ${maxSplit}`);
  }
  const choices: [number, number][] = [];
  for (let rows = 1; rows <= maxSplit; rows++) {
    const most = Math.min(2 * rows, maxSplit);
    for (let columns = Math.ceil(rows / 2); columns <= most; columns++) choices.push([rows, columns]);
  }
  return choices;
}

/**
 * The cells of an image cut into `rows x columns`, as shares of its sides, row by row.
 *
 * @throws InputError when rows or columns are not whole numbers from 1 to 1024.
 */
export function gridCells(rows: number, columns: number): Box[] {
  const [down, across] = [edges(rows), edges(columns)];
  return Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return { left: across[column]!, top: down[row]!, right: across[column + 1]!, bottom: down[row + 1]! };
  });
}

/** `0, 1/count … 1` as `torch.linspace` has them: in float32, the second half counted from the end. */
function edges(count: number): number[] {
  if (!(Number.isInteger(count) && count >= 1 && count <= 1024)) {
    throw new InputError(`gridCells: expected 1 to 1024 rows and columns, got ${count}`);
  }
  const step = fround(1 / count);
  return Array.from({ length: count + 1 }, (_, i) =>
    i < (count + 1) / 2 ? fround(step * i) : fround(1 - fround(step * (count - i))),
  );
}
