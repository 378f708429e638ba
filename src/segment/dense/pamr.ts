/**
 * Pixel-adaptive mask refinement (Araslanov and Roth 2020, visinf/1-stage-wseg; used by NACLIP and SCLIP): every pixel of
 * a mask becomes the mean of its neighbours, weighted by how much they look like it in the photo, several times over.
 */
import { InputError } from '../../errors.js';
import { atOnce, type Steps } from '../../turns.js';
import { resizePlanesSteps } from './bilinear.js';
import { checkWhole, largeArray } from './checks.js';

/** How far and how often. */
export interface PamrOptions {
  /** Rounds of averaging; 0 only resizes the mask. */
  readonly steps: number;
  /** Distances of the eight neighbours, in pixels; each adds eight. */
  readonly dilations: readonly number[];
}

// The largest published one is 24; each pixel of it widens the padded planes.
const mostDilation = 512;

/** Copies a plane `[height, width]` into the middle of one with `margin` more on each side, its border repeated. */
function pad(
  plane: Float32Array,
  from: number,
  height: number,
  width: number,
  margin: number,
  out: Float32Array,
): void {
  const outWidth = width + 2 * margin;
  for (let y = 0; y < height; y++) {
    out.set(plane.subarray(from + y * width, from + (y + 1) * width), (y + margin) * outWidth + margin);
  }
  repeatBorder(out, height, width, margin);
}

/** Fills the margin of a padded plane from the border of its middle. */
function repeatBorder(padded: Float32Array, height: number, width: number, margin: number): void {
  const outWidth = width + 2 * margin;
  for (let y = margin; y < margin + height; y++) {
    const start = y * outWidth;
    padded.fill(padded[start + margin]!, start, start + margin);
    padded.fill(padded[start + margin + width - 1]!, start + margin + width, start + outWidth);
  }
  for (let y = 0; y < margin; y++) {
    padded.copyWithin(y * outWidth, margin * outWidth, (margin + 1) * outWidth);
    padded.copyWithin((margin + height + y) * outWidth, (margin + height - 1) * outWidth, (margin + height) * outWidth);
  }
}

/** Offsets of the eight neighbours at every dilation in a padded plane: top left to bottom right, dilation by dilation. */
function neighbourOffsets(dilations: readonly number[], paddedWidth: number): Int32Array {
  const ring = [-1, 0, 1].flatMap(dy => [-1, 0, 1].map(dx => [dy, dx] as const)).filter(([dy, dx]) => dy || dx);
  return Int32Array.from(dilations.flatMap(r => ring.map(([dy, dx]) => r * (dy * paddedWidth + dx))));
}

/**
 * Weight of every neighbour of every pixel, `[height, width, neighbours]`: softmax over the neighbours of
 * `mean over channels of -|x_j - x| / (1e-8 + 0.1 sigma)`, sigma the unbiased standard deviation of the nine values at
 * all dilations (the centre counts once per dilation).
 */
function* affinities(
  image: Float32Array,
  height: number,
  width: number,
  dilations: readonly number[],
  margin: number,
): Steps<Float32Array> {
  const paddedWidth = width + 2 * margin;
  const offsets = neighbourOffsets(dilations, paddedWidth);
  const neighbours = offsets.length;
  const samples = neighbours + dilations.length;
  const weights = largeArray(height * width * neighbours, 'pamr', 'use fewer dilations or a smaller picture');
  const padded = new Float32Array(paddedWidth * (height + 2 * margin));
  const difference = new Float64Array(neighbours);
  for (let channel = 0; channel < 3; channel++) {
    pad(image, channel * height * width, height, width, margin, padded);
    for (let y = 0; y < height; y++) {
      const row = weights.subarray(y * width * neighbours, (y + 1) * width * neighbours);
      addDistances(row, padded, (y + margin) * paddedWidth + margin, offsets, samples, difference);
      if (channel === 2) softmaxRows(row, neighbours);
      yield;
    }
  }
  return weights;
}

/**
 * Adds one channel's part of what the softmax is of to the weights of a row of pixels, `[width, neighbours]`.
 * @param start the row's first pixel in the padded channel
 */
function addDistances(
  weights: Float32Array,
  padded: Float32Array,
  start: number,
  offsets: Int32Array,
  samples: number,
  difference: Float64Array,
): void {
  const neighbours = offsets.length;
  for (let at = 0, centre = start; at < weights.length; at += neighbours, centre++) {
    const value = padded[centre]!;
    let sum = 0;
    let squares = 0;
    for (let j = 0; j < neighbours; j++) {
      const d = padded[centre + offsets[j]!]! - value;
      difference[j] = Math.abs(d);
      sum += d;
      squares += d * d;
    }
    const variance = Math.max(squares - (sum * sum) / samples, 0) / (samples - 1);
    const factor = -1 / (3 * (1e-8 + 0.1 * Math.sqrt(variance)));
    for (let j = 0; j < neighbours; j++) weights[at + j]! += difference[j]! * factor;
  }
}

/** Softmax of each run of `length` values, in place. */
function softmaxRows(values: Float32Array, length: number): void {
  for (let start = 0; start < values.length; start += length) {
    let most = Number.NEGATIVE_INFINITY;
    for (let i = start; i < start + length; i++) most = Math.max(most, values[i]!);
    let sum = 0;
    for (let i = start; i < start + length; i++) {
      const value = Math.exp(values[i]! - most);
      values[i] = value;
      sum += value;
    }
    for (let i = start; i < start + length; i++) values[i]! /= sum;
  }
}

/** One round for a row: pixels of `to` become the weighted means of their neighbours in `from`; both are padded. */
function averageRow(
  from: Float32Array,
  to: Float32Array,
  weights: Float32Array,
  y: number,
  width: number,
  dilations: readonly number[],
  margin: number,
): void {
  const paddedWidth = width + 2 * margin;
  let w = y * width * dilations.length * 8;
  const start = (y + margin) * paddedWidth + margin;
  for (let centre = start; centre < start + width; centre++) {
    let sum = 0;
    for (let i = 0; i < dilations.length; i++, w += 8) {
      const r = dilations[i]!;
      const above = centre - r * paddedWidth;
      const below = centre + r * paddedWidth;
      sum +=
        weights[w]! * from[above - r]! +
        weights[w + 1]! * from[above]! +
        weights[w + 2]! * from[above + r]! +
        weights[w + 3]! * from[centre - r]! +
        weights[w + 4]! * from[centre + r]! +
        weights[w + 5]! * from[below - r]! +
        weights[w + 6]! * from[below]! +
        weights[w + 7]! * from[below + r]!;
    }
    to[centre] = sum;
  }
}

/**
 * Refines `classes` mask planes by the photo they belong to.
 * @param image `[3, height, width]`, normalised pixels.
 * @param mask `[classes, maskHeight, maskWidth]`, logits or probabilities; another size than the image's is resized to it,
 * bilinear with aligned corners.
 * @returns `[classes, height, width]`.
 * @throws InputError when sizes and lengths disagree, a dilation or the number of steps is out of range, or a working
 * array would pass 2 GiB.
 */
export const pamr = (...given: Parameters<typeof pamrSteps>): Float32Array => atOnce(pamrSteps(...given));

/** `pamr` in steps. */
export function* pamrSteps(
  image: { readonly pixels: Float32Array; readonly height: number; readonly width: number },
  mask: { readonly planes: Float32Array; readonly classes: number; readonly height: number; readonly width: number },
  { steps, dilations }: PamrOptions,
): Steps<Float32Array> {
  const { height, width } = image;
  checkSize('pamr: image', image.pixels.length, 3, height, width);
  checkSize('pamr: mask', mask.planes.length, mask.classes, mask.height, mask.width);
  checkWhole(steps, 'pamr: steps', 0, 10_000);
  if (dilations.length === 0) throw new InputError('pamr: expected at least one dilation, got none');
  for (const r of dilations) checkWhole(r, 'pamr: dilation', 1, mostDilation);

  const maskSize = [mask.height, mask.width] as const;
  const planes = yield* resizePlanesSteps(mask.planes, mask.classes, maskSize, [height, width], true);
  if (steps === 0) return planes;
  const margin = Math.max(...dilations);
  const weights = yield* affinities(image.pixels, height, width, dilations, margin);
  const paddedSize = (height + 2 * margin) * (width + 2 * margin);
  let from = new Float32Array(paddedSize);
  let to = new Float32Array(paddedSize);
  for (let plane = 0; plane < mask.classes; plane++) {
    const start = plane * height * width;
    pad(planes, start, height, width, margin, from);
    for (let step = 0; step < steps; step++) {
      for (let y = 0; y < height; y++) {
        averageRow(from, to, weights, y, width, dilations, margin);
        yield;
      }
      repeatBorder(to, height, width, margin);
      [from, to] = [to, from];
    }
    for (let y = 0; y < height; y++) {
      const at = (y + margin) * (width + 2 * margin) + margin;
      planes.set(from.subarray(at, at + width), start + y * width);
    }
  }
  return planes;
}

function checkSize(what: string, length: number, planes: number, height: number, width: number): void {
  checkWhole(planes, `${what} planes`, 1);
  checkWhole(height, `${what} height`, 1);
  checkWhole(width, `${what} width`, 1);
  if (length !== planes * height * width) {
    throw new InputError(
      `${what}: expected ${planes} x ${height} x ${width} = ${planes * height * width} values, got ${length}`,
    );
  }
}
