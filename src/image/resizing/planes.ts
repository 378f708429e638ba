import type { Picture } from '../picture.js';

/** One number for each of red, green and blue. */
export type Triple = readonly [number, number, number];

/**
 * What each of the 256 values becomes in each channel: `(value * factor - mean) / std`, rounded to float32 after each
 * step as PyTorch and NumPy do.
 */
export function valueTables(factor: number, mean: Triple, std: Triple): Float32Array[] {
  const { fround } = Math;
  return [0, 1, 2].map(channel => {
    const [shift, scale] = [fround(mean[channel]!), fround(std[channel]!)];
    return Float32Array.from({ length: 256 }, (_, value) => fround(fround(value * factor) - shift) / scale);
  });
}

/** Pixels `[n, 3]` by their tables as planes `[3, n]`. */
export function fillPlanes(
  pixels: Uint8Array | Uint16Array,
  tables: readonly Float32Array[],
  planes: Float32Array,
): void {
  const count = planes.length / 3;
  tables.forEach((table, channel) => {
    const plane = planes.subarray(channel * count, (channel + 1) * count);
    for (let p = 0, i = channel; p < count; p++, i += 3) plane[p] = table[pixels[i]!]!;
  });
}

/** An RGB picture as float32 planes `[3, height, width]`, see `valueTables`. */
export function planesOf(picture: Picture, factor: number, mean: Triple, std: Triple): Float32Array {
  if (picture.mode !== 'RGB') {
    throw new RangeError(`planesOf: expected a picture of mode RGB, got ${picture.mode}; convert it with toRgb first`);
  }
  const out = new Float32Array(3 * picture.width * picture.height);
  fillPlanes(picture.data, valueTables(factor, mean, std), out);
  return out;
}
