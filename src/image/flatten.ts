import { type Picture, samplesPerPixel, toRgb } from './picture.js';

/** One colour value over white: Pillow's `alpha_composite` on an opaque background, with its 7 extra bits. */
function overWhite(value: number, alpha: number): number {
  const sum = 128 * (value * alpha + 255 * (255 - alpha) + 128);
  return (((sum >> 8) + sum) >> 8) >> 7;
}

/**
 * The picture in mode RGB with what is transparent shown over white, value for value as Hugging Face's image processors
 * convert. A picture without alpha is the same as from `toRgb`, which drops alpha instead.
 */
export function flattenOnWhite(picture: Picture): Picture {
  const { width, height, mode, data, palette } = picture;
  if (palette?.alpha) {
    const { rgb, alpha } = palette;
    const colours = rgb.map((value, i) => overWhite(value, alpha[Math.floor(i / 3)] ?? 255));
    return toRgb({ ...picture, palette: { rgb: colours } });
  }
  if (mode !== 'LA' && mode !== 'RGBA') return toRgb(picture);
  const samples = samplesPerPixel[mode];
  const flat = new Uint8Array(width * height * 3);
  for (let i = 0, o = 0; o < flat.length; i += samples, o += 3) {
    const alpha = data[i + samples - 1]!;
    for (let channel = 0; channel < 3; channel++) {
      flat[o + channel] = overWhite(data[mode === 'LA' ? i : i + channel]!, alpha);
    }
  }
  return { ...picture, mode: 'RGB', data: flat };
}
