import { InputError, suggestion } from '../errors.js';
import { atOnce, type Steps } from '../turns.js';
import { type Picture, samplesPerPixel } from './picture.js';
import { type ResizeFilter, resizeFilters, resizeTaps, type Taps, type WeightedFilter } from './resizing/filters.js';
import { horizontalPass, verticalPass } from './resizing/passes.js';
import { horizontalPass16, verticalPass16 } from './resizing/passes16.js';

export { type ResizeFilter, resizeFilters } from './resizing/filters.js';

/** A rectangle of pixels. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Bounds on what one call makes, so that a hostile shape (1 x 1,000,000 to a short side of 224) cannot take all memory. */
const maxOutputPixels = 2 ** 28;
const maxOutputSide = 2 ** 20;

type Samples = Uint8Array | Uint16Array;

/**
 * Resizes a picture exactly as Pillow 13's `Image.resize` does, value for value, in every mode: modes `1` and `P` take
 * the nearest pixel whatever the filter, alpha is multiplied into the colours before and divided out after, the rest is
 * two passes in fixed point with 8 bits between them. Pillow runs the horizontal pass first unless the height shrinks by
 * more than twice the pixels that the width does.
 *
 * @param region only this part of the resized picture is computed and returned, equal to cutting it out afterwards
 * @returns a new picture of `width x height` (or the region's size), the mode and palette unchanged
 * @throws InputError for a size that is not a positive whole number, an unknown filter, a region outside the picture,
 *   or a result beyond the pixel limit
 */
export const resize = (...given: Parameters<typeof resizeSteps>): Picture => atOnce(resizeSteps(...given));

/** `resize` in steps. */
export function* resizeSteps(
  picture: Picture,
  width: number,
  height: number,
  filter: ResizeFilter,
  region: Region = { left: 0, top: 0, width, height },
): Steps<Picture> {
  if (!resizeFilters.includes(filter)) {
    throw new InputError(`resize: no filter is called '${filter}'${suggestion(String(filter), resizeFilters)}`);
  }
  checkSize(width, height);
  checkRegion(region, width, height);
  const samples = samplesPerPixel[picture.mode];
  const result = (data: Samples): Picture => ({ ...picture, width: region.width, height: region.height, data });
  if (width === picture.width && height === picture.height) {
    return result(cut(picture.data, picture.width, samples, region));
  }
  if (filter === 'nearest' || picture.mode === '1' || picture.mode === 'P') {
    return result(yield* nearest(picture, width, height, region));
  }
  const weighted = (data: Samples) => resample({ ...picture, data }, width, height, filter, region);
  if ((picture.mode === 'RGBA' || picture.mode === 'LA') && !isOpaque(picture.data, samples)) {
    return result(yield* divideByAlpha(yield* weighted(yield* multiplyByAlpha(picture.data, samples)), samples));
  }
  return result(yield* weighted(picture.data));
}

function checkSize(width: number, height: number): void {
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isSafeInteger(value) || value < 1 || value >= 2 ** 31) {
      throw new InputError(`resize: expected a ${name} of 1 to ${2 ** 31 - 1} whole pixels, got ${value}`);
    }
  }
}

function checkRegion({ left, top, width, height }: Region, fullWidth: number, fullHeight: number): void {
  checkSize(width, height);
  const inside = (start: number, length: number, full: number) =>
    Number.isSafeInteger(start) && start >= 0 && start + length <= full;
  if (!inside(left, width, fullWidth) || !inside(top, height, fullHeight)) {
    throw new InputError(
      `resize: the region ${width} x ${height} at (${left}, ${top}) leaves the picture of ${fullWidth} x ${fullHeight}`,
    );
  }
  if (width * height > maxOutputPixels || Math.max(width, height) > maxOutputSide) {
    throw new InputError(
      `resize: expected a result of at most ${maxOutputPixels} pixels and ${maxOutputSide} a side, got ${width} x ${height}`,
    );
  }
}

/** The region of `data` (rows of `rowWidth` pixels), copied. */
function cut(data: Samples, rowWidth: number, samples: number, { left, top, width, height }: Region): Samples {
  if (left === 0 && width === rowWidth) {
    return data.slice(top * width * samples, (top + height) * width * samples);
  }
  const length = width * samples;
  const out = data instanceof Uint16Array ? new Uint16Array(height * length) : new Uint8Array(height * length);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * rowWidth + left) * samples;
    out.set(data.subarray(start, start + length), y * length);
  }
  return out;
}

/**
 * The source position of each of `count` outputs from `begin` on. For 8-bit modes Pillow adds the step up instead of
 * multiplying, and that sum's rounding decides ties; a position that ends beyond the source is -1.
 */
function nearestPositions(from: number, to: number, begin: number, count: number, addUp: boolean): Int32Array {
  const positions = new Int32Array(count);
  const step = from / to;
  let sum = step * 0.5;
  if (addUp) for (let i = 0; i < begin; i++) sum += step;
  for (let i = 0; i < count; i++, sum += step) {
    const position = addUp ? sum : step * (begin + i + 0.5);
    positions[i] = position < from ? position : -1;
  }
  return positions;
}

function* nearest(picture: Picture, width: number, height: number, region: Region): Steps<Samples> {
  const { data } = picture;
  const samples = samplesPerPixel[picture.mode];
  const addUp = picture.mode !== 'I;16';
  const columns = nearestPositions(picture.width, width, region.left, region.width, addUp);
  const rows = nearestPositions(picture.height, height, region.top, region.height, addUp);
  const length = region.width * region.height * samples;
  const out = data instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);
  for (let y = 0; y < region.height; y++) {
    if (rows[y]! >= 0) nearestRow(data, rows[y]! * picture.width, columns, samples, out, y * region.width * samples);
    yield;
  }
  return out;
}

/** One row of outputs from the source row that begins with pixel `start`. */
function nearestRow(
  data: Samples,
  start: number,
  columns: Int32Array,
  samples: number,
  out: Samples,
  at: number,
): void {
  for (let x = 0, o = at; x < columns.length; x++) {
    if (columns[x]! < 0) {
      o += samples;
      continue;
    }
    const i = (start + columns[x]!) * samples;
    for (let s = 0; s < samples; s++) out[o++] = data[i + s]!;
  }
}

/** What one axis needs: taps counted from `start`, or none where the size stays; and the source samples they touch. */
interface Axis {
  readonly taps?: Taps;
  readonly start: number;
  readonly length: number;
}

function axisOf(from: number, to: number, filter: WeightedFilter, begin: number, count: number): Axis {
  if (from === to) return { start: begin, length: count };
  const taps = resizeTaps(from, to, filter, begin, begin + count);
  const start = taps.first[0]!;
  const length = taps.end[count - 1]! - start;
  for (let i = 0; i < count; i++) {
    taps.first[i]! -= start;
    taps.end[i]! -= start;
  }
  return { taps, start, length };
}

/** Both passes over the source rows and columns that the region needs. */
function* resample(
  picture: Picture,
  width: number,
  height: number,
  filter: WeightedFilter,
  region: Region,
): Steps<Samples> {
  const samples = samplesPerPixel[picture.mode];
  const columns = axisOf(picture.width, width, filter, region.left, region.width);
  const rows = axisOf(picture.height, height, filter, region.top, region.height);
  const shrinks = picture.height - height;
  const verticalFirst = shrinks > 0 && shrinks > 2 * (picture.width - width);

  let data = picture.data.subarray((rows.start * picture.width + columns.start) * samples);
  let stride = picture.width * samples;
  if (verticalFirst && rows.taps) {
    data = yield* alongHeight(data, stride, columns.length * samples, rows.taps);
    stride = columns.length * samples;
  }
  if (columns.taps) {
    data = yield* alongWidth(data, stride, verticalFirst ? region.height : rows.length, samples, columns.taps);
    stride = region.width * samples;
  }
  if (!verticalFirst && rows.taps) data = yield* alongHeight(data, stride, region.width * samples, rows.taps);
  return data;
}

function alongWidth(data: Samples, stride: number, rows: number, samples: number, taps: Taps): Steps<Samples> {
  if (data instanceof Uint16Array) return horizontalPass16(data, stride, rows, taps);
  return horizontalPass(data, stride, rows, samples, taps);
}

function alongHeight(data: Samples, stride: number, length: number, taps: Taps): Steps<Samples> {
  if (data instanceof Uint16Array) return verticalPass16(data, stride, length, taps);
  return verticalPass(data, stride, length, taps);
}

function isOpaque(data: Samples, samples: number): boolean {
  for (let i = samples - 1; i < data.length; i += samples) if (data[i] !== 255) return false;
  return true;
}

/** Pixels that are multiplied or divided in a step. */
const pixelsAStep = 2 ** 18;

/** Pillow's conversion to `RGBa` and `La`: `round(colour * alpha / 255)`. */
function* multiplyByAlpha(data: Samples, samples: number): Steps<Uint8Array> {
  const out = new Uint8Array(data.length);
  for (let from = 0; from < data.length; from += pixelsAStep * samples) {
    const end = Math.min(from + pixelsAStep * samples, data.length);
    multiplyPixels(data, samples, from, end, out);
    yield;
  }
  return out;
}

function multiplyPixels(data: Samples, samples: number, from: number, end: number, out: Uint8Array): void {
  for (let i = from; i < end; i += samples) {
    const alpha = data[i + samples - 1]!;
    for (let s = 0; s < samples - 1; s++) {
      const scaled = data[i + s]! * alpha + 128;
      out[i + s] = ((scaled >> 8) + scaled) >> 8;
    }
    out[i + samples - 1] = alpha;
  }
}

/** Pillow's conversion back, in place: `min(floor(255 * colour / alpha), 255)`; unchanged where alpha is 0 or 255. */
function* divideByAlpha(data: Samples, samples: number): Steps<Samples> {
  for (let from = 0; from < data.length; from += pixelsAStep * samples) {
    dividePixels(data, samples, from, Math.min(from + pixelsAStep * samples, data.length));
    yield;
  }
  return data;
}

function dividePixels(data: Samples, samples: number, from: number, end: number): void {
  for (let i = from; i < end; i += samples) {
    const alpha = data[i + samples - 1]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let s = 0; s < samples - 1; s++) data[i + s] = Math.min(Math.floor((255 * data[i + s]!) / alpha), 255);
  }
}
