import type { Picture } from '../picture.js';

/** One number for each of red, green and blue. */
export type Triple = readonly [number, number, number];

/**
 * An RGB picture as float32 planes `[3, height, width]`: `(value * factor - mean) / std`, rounded to float32 after each
 * step as PyTorch and NumPy do. Each of the 256 values is worked out once.
 */
export function planesOf(picture: Picture, factor: number, mean: Triple, std: Triple): Float32Array {
  if (picture.mode !== 'RGB') {
    throw new RangeError(`planesOf: expected a picture of mode RGB, got ${picture.mode}; convert it with toRgb first`);
  }
  const { data } = picture;
  const pixels = picture.width * picture.height;
  const out = new Float32Array(3 * pixels);
  const table = new Float32Array(256);
  for (let channel = 0; channel < 3; channel++) {
    const shift = Math.fround(mean[channel]!);
    const scale = Math.fround(std[channel]!);
    for (let v = 0; v < 256; v++) table[v] = Math.fround(Math.fround(v * factor) - shift) / scale;
    const plane = out.subarray(channel * pixels, (channel + 1) * pixels);
    for (let p = 0, i = channel; p < pixels; p++, i += 3) plane[p] = table[data[i]!]!;
  }
  return out;
}
