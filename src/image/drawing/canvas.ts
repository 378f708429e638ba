import { InputError } from '../../errors.js';
import { type Picture, toRgb } from '../picture.js';

/** Red, green and blue, 0..255. */
export type Colour = readonly [number, number, number];

/** An RGB picture that is being drawn. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

const maxPixels = 2 ** 28;

/** A canvas of one colour. @throws InputError beyond 2^28 pixels */
export function createCanvas(width: number, height: number, [red, green, blue]: Colour): Canvas {
  if (width * height > maxPixels) {
    throw new InputError(
      `a drawing of ${width} x ${height} pixels is over the limit of ${maxPixels}; make its parts smaller`,
    );
  }
  const data = new Uint8Array(width * height * 3).fill(red);
  if (red === green && green === blue) return { width, height, data };
  for (let i = 0; i < data.length; i += 3) {
    data[i + 1] = green;
    data[i + 2] = blue;
  }
  return { width, height, data };
}

/** Mixes `colour` into one pixel: `round(old + (colour - old) * share)`; outside the canvas nothing happens. */
export function blend({ width, height, data }: Canvas, x: number, y: number, colour: Colour, share: number): void {
  if (x < 0 || y < 0 || x >= width || y >= height) return;
  const i = (y * width + x) * 3;
  for (let c = 0; c < 3; c++) data[i + c] = Math.round(data[i + c]! + (colour[c]! - data[i + c]!) * share);
}

/** Fills a rectangle with whole-pixel edges, cut at the canvas. */
export function fillRectangle(
  canvas: Canvas,
  left: number,
  top: number,
  width: number,
  height: number,
  colour: Colour,
) {
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) blend(canvas, x, y, colour, 1);
  }
}

/** Copies a picture (as RGB) to a place where it lies wholly inside the canvas. */
export function paste(canvas: Canvas, picture: Picture, left: number, top: number): void {
  const rgb = toRgb(picture);
  for (let y = 0; y < rgb.height; y++) {
    const row = rgb.data.subarray(y * rgb.width * 3, (y + 1) * rgb.width * 3);
    canvas.data.set(row, ((top + y) * canvas.width + left) * 3);
  }
}
