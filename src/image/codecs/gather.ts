import { type PixelMode, samplesPerPixel } from '../picture.js';

/** The leading samples of each RGBA pixel that `mode` keeps: red for grey, or red, green and blue, or all four. */
export function gather(rgba: Uint8Array | Uint8ClampedArray, mode: PixelMode & ('L' | 'RGB' | 'RGBA')): Uint8Array {
  const kept = samplesPerPixel[mode];
  if (kept === 4) return new Uint8Array(rgba.buffer, rgba.byteOffset, rgba.byteLength);
  const out = new Uint8Array((rgba.length / 4) * kept);
  if (kept === 1) {
    for (let i = 0, o = 0; o < out.length; i += 4) out[o++] = rgba[i]!;
  } else {
    for (let i = 0, o = 0; o < out.length; i += 4) {
      out[o++] = rgba[i]!;
      out[o++] = rgba[i + 1]!;
      out[o++] = rgba[i + 2]!;
    }
  }
  return out;
}
