/**
 * The image side of the segmentation papers. Their pipelines resize with OpenCV (bilinear, no antialias, no crop) and
 * normalise with constants in units of 0..255; CLIP's own preprocessing is in `preprocess.ts`.
 */
import { InputError } from '../errors.js';
import { atOnce, type Steps } from '../turns.js';
import { type Picture, rgbPicture } from './picture.js';
import { planesOf, type Triple } from './resizing/planes.js';
import { roundHalfEven } from './resizing/rounding.js';

/** Mean of red, green and blue as MMSegmentation's configurations write it, in units of 0..255. */
export const segmentationMean: Triple = [122.771, 116.746, 104.094];
/** The standard deviations that go with `segmentationMean`. */
export const segmentationStd: Triple = [68.501, 66.632, 70.323];

/** Bound on the pixels of one result. */
const maxPixels = 2 ** 28;

/**
 * The size that MMSegmentation's keep-ratio resize with scale `(maxLong, shortSide)` gives:
 * `factor = min(maxLong / long, shortSide / short)`, each side `floor(side * factor + 0.5)`, never below 1.
 * @throws InputError for a side that is not a positive number
 */
export function keepRatioSize(
  width: number,
  height: number,
  shortSide: number,
  maxLong = 2048,
): { width: number; height: number } {
  for (const [name, value] of Object.entries({ width, height, shortSide, maxLong })) {
    if (!(value > 0 && Number.isFinite(value)))
      throw new InputError(`keepRatioSize: expected a ${name} over 0, got ${value}`);
  }
  const factor = Math.min(maxLong / Math.max(width, height), shortSide / Math.min(width, height));
  const scaled = (side: number) => Math.max(Math.floor(side * factor + 0.5), 1);
  return { width: scaled(width), height: scaled(height) };
}

const weightBits = 11;

/** For each output of one axis: two source positions and their weights, in units of 2^-11. */
interface LinearTaps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly lowWeight: Int32Array;
  readonly highWeight: Int32Array;
}

/**
 * Half-pixel centres, in the 32-bit floats OpenCV uses. Both positions are clamped to the source; `snap` also drops the
 * fraction outside it, as OpenCV does along rows and not down columns (the roundings differ).
 */
function linearTaps(from: number, to: number, snap: boolean): LinearTaps {
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const lowWeight = new Int32Array(to);
  const highWeight = new Int32Array(to);
  const scale = 1 / (to / from);
  const clamp = (position: number) => Math.min(Math.max(position, 0), from - 1);
  for (let i = 0; i < to; i++) {
    const position = Math.fround((i + 0.5) * scale - 0.5);
    const floor = Math.floor(position);
    const outside = floor < 0 || floor >= from - 1;
    const fraction = snap && outside ? 0 : Math.fround(position - floor);
    low[i] = clamp(floor);
    high[i] = clamp(floor + 1);
    lowWeight[i] = roundHalfEven(Math.fround(1 - fraction) * 2 ** weightBits);
    highWeight[i] = roundHalfEven(fraction * 2 ** weightBits);
  }
  return { low, high, lowWeight, highWeight };
}

/**
 * Resizes an RGB picture exactly as OpenCV's `resize` with `INTER_LINEAR` does on 8-bit images: bilinear between the
 * four nearest pixels however much it shrinks, 11-bit weights, and the truncations of its vertical step.
 * @throws InputError for a size that is not a positive whole number or is beyond 2^28 pixels
 */
export const resizeBilinearOpenCv = (picture: Picture, width: number, height: number): Picture =>
  atOnce(resizeBilinearOpenCvSteps(picture, width, height));

/** `resizeBilinearOpenCv` in steps. */
export function* resizeBilinearOpenCvSteps(picture: Picture, width: number, height: number): Steps<Picture> {
  if (picture.mode !== 'RGB') {
    throw new RangeError(`resizeBilinearOpenCv: expected mode RGB, got ${picture.mode}; convert it with toRgb first`);
  }
  const whole = Number.isSafeInteger(width) && Number.isSafeInteger(height) && width > 0 && height > 0;
  if (!whole || width * height > maxPixels) {
    throw new InputError(
      `resizeBilinearOpenCv: expected a size in whole pixels, at most ${maxPixels} in all, got ${width} x ${height}`,
    );
  }
  const columns = linearTaps(picture.width, width, true);
  const rows = linearTaps(picture.height, height, false);
  const length = width * 3;
  const out = new Uint8Array(height * length);
  // The two rows between which the current output lies.
  let lower: ResampledRow = { row: -1, values: new Int32Array(length) };
  let upper: ResampledRow = { row: -1, values: new Int32Array(length) };
  for (let y = 0; y < height; y++) {
    const low = rows.low[y]!;
    const high = rows.high[y]!;
    if (lower.row !== low) [lower, upper] = [upper, lower];
    if (lower.row !== low) resampleRow(picture, low, columns, lower);
    if (high !== low && upper.row !== high) resampleRow(picture, high, columns, upper);
    const below = high === low ? lower : upper;
    mixRows(lower.values, rows.lowWeight[y]!, below.values, rows.highWeight[y]!, out, y * length);
    yield;
  }
  return rgbPicture(width, height, out);
}

function mixRows(above: Int32Array, wa: number, below: Int32Array, wb: number, out: Uint8Array, at: number): void {
  for (let x = 0, o = at; x < above.length; x++, o++) {
    out[o] = ((((above[x]! >> 4) * wa) >> 16) + (((below[x]! >> 4) * wb) >> 16) + 2) >> 2;
  }
}

/** A source row brought to the new width, in units of 2^-11; `row` is -1 while there is none. */
interface ResampledRow {
  row: number;
  readonly values: Int32Array;
}

function resampleRow(picture: Picture, row: number, taps: LinearTaps, into: ResampledRow): void {
  const { low, high, lowWeight, highWeight } = taps;
  const out = into.values;
  into.row = row;
  const { data } = picture;
  const start = row * picture.width * 3;
  for (let x = 0, o = 0; x < low.length; x++) {
    const a = start + low[x]! * 3;
    const b = start + high[x]! * 3;
    const wa = lowWeight[x]!;
    const wb = highWeight[x]!;
    out[o++] = data[a]! * wa + data[b]! * wb;
    out[o++] = data[a + 1]! * wa + data[b + 1]! * wb;
    out[o++] = data[a + 2]! * wa + data[b + 2]! * wb;
  }
}

/**
 * An RGB picture as float32 planes `[3, height, width]`: `(value - mean) / std` with `value` in 0..255, the arithmetic
 * in float32. The defaults are MMSegmentation's constants.
 */
export function normalise(picture: Picture, mean = segmentationMean, std = segmentationStd): Float32Array {
  return planesOf(picture, 1, mean, std);
}
