/** Numbers as pixels. */
import type { NamedClass } from '../engine/lab.js';

type Colour = readonly [red: number, green: number, blue: number];

/** From little to much: dark violet over red to light yellow, ever lighter, so that it reads in grey as well. */
const stops: readonly Colour[] = [
  [14, 11, 38],
  [74, 20, 92],
  [148, 38, 94],
  [221, 73, 61],
  [250, 150, 66],
  [252, 240, 178],
];

const ramp: Uint8ClampedArray = (() => {
  const colours = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const from = Math.min(Math.floor(at), stops.length - 2);
    for (let c = 0; c < 3; c++) {
      colours[3 * i + c] = stops[from]![c]! + (at - from) * (stops[from + 1]![c]! - stops[from]![c]!);
    }
  }
  return colours;
})();

/** The colour of a value from 0 to 1, for a style. */
export const rampColour = (value: number): string => {
  const at = 3 * Math.round(255 * Math.min(Math.max(value, 0), 1));
  return `rgb(${ramp[at]} ${ramp[at + 1]} ${ramp[at + 2]})`;
};

export const styleColour = ([red, green, blue]: Colour): string => `rgb(${red} ${green} ${blue})`;

/** Sets a canvas to a picture, red, green, blue and opacity of each pixel. */
export function paintPixels(canvas: HTMLCanvasElement, width: number, height: number, rgba: Uint8ClampedArray): void {
  canvas.width = width;
  canvas.height = height;
  // Pixels come out of memory here, not from a graphics processor.
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.putImageData(new ImageData(rgba as Uint8ClampedArray<ArrayBuffer>, width, height), 0, 0);
}

/** Values as colours of the ramp, from the least to the most of them. */
export function paintHeat(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  values: ArrayLike<number>,
  range = rangeOf(values),
): void {
  const rgba = new Uint8ClampedArray(4 * width * height);
  const factor = 255 / (range.most - range.least || 1);
  for (let i = 0; i < width * height; i++) {
    const at = 3 * Math.min(255, Math.max(0, Math.round((values[i]! - range.least) * factor)));
    rgba[4 * i] = ramp[at]!;
    rgba[4 * i + 1] = ramp[at + 1]!;
    rgba[4 * i + 2] = ramp[at + 2]!;
    rgba[4 * i + 3] = 255;
  }
  paintPixels(canvas, width, height, rgba);
}

export function rangeOf(values: ArrayLike<number>): { least: number; most: number } {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    least = Math.min(least, values[i]!);
    most = Math.max(most, values[i]!);
  }
  return { least, most };
}

/** Classes in their colours, a lighter line where two meet. */
export function paintLabels(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  labels: ArrayLike<number>,
  classes: readonly NamedClass[],
): void {
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const label = labels[at]!;
      const colour = classes[label]?.colour ?? [0, 0, 0];
      const meets = (x + 1 < width && labels[at + 1] !== label) || (y + 1 < height && labels[at + width] !== label);
      for (let c = 0; c < 3; c++) rgba[4 * at + c] = meets ? 255 - (255 - colour[c]!) / 3 : colour[c]!;
      rgba[4 * at + 3] = 255;
    }
  }
  paintPixels(canvas, width, height, rgba);
}
