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

/** RGB values as RGBA, opaque. */
export function opaque(rgb: Uint8Array | Uint16Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array((rgb.length / 3) * 4).fill(255);
  for (let i = 0, o = 0; i < rgb.length; i += 3, o += 4) {
    out[o] = rgb[i]!;
    out[o + 1] = rgb[i + 1]!;
    out[o + 2] = rgb[i + 2]!;
  }
  return out;
}
