import { InputError } from '../../errors.js';

/**
 * The colour map of PASCAL VOC, 256 entries of red, green, blue: bit `3 j + c` of the index becomes bit `7 - j` of colour
 * `c`. Entry 0 (background) is black, entry 255 (void) nearly white. Label PNGs of segmentation data sets use it.
 */
export function vocPalette(): Uint8Array {
  const palette = new Uint8Array(256 * 3);
  for (let index = 0; index < 256; index++) {
    for (let bit = 0; bit < 8; bit++) {
      const channel = bit % 3;
      palette[index * 3 + channel]! |= ((index >> bit) & 1) << (7 - Math.floor(bit / 3));
    }
  }
  return palette;
}

/** The colour of a background class: dark, so that the others stand out. */
const backgroundColour = [38, 40, 46] as const;

/** Taken in turn, so that classes of nearly the same hue (the 1st and the 22nd) differ in lightness. */
const lightnesses = [0.7, 0.82, 0.54, 0.76, 0.62];

/**
 * `count` colours that are told apart easily and look alike in strength: hues a golden angle apart in OKLCh, the lightness
 * in five steps.
 *
 * @param background index of a class that gets a dark grey instead
 * @returns red, green, blue of each colour, one after the other
 * @throws InputError unless `count` is a whole number from 0 to 65,536
 */
export function classColours(count: number, background?: number): Uint8Array {
  if (!Number.isInteger(count) || count < 0 || count > 65536) {
    throw new InputError(`classColours: expected a whole number of colours from 0 to 65536, got ${count}`);
  }
  const colours = new Uint8Array(count * 3);
  let hue = 29;
  for (let i = 0, made = 0; i < count; i++) {
    if (i === background) {
      colours.set(backgroundColour, i * 3);
      continue;
    }
    colours.set(fromOklch(lightnesses[made++ % lightnesses.length]!, 0.17, hue), i * 3);
    hue += 137.50776;
  }
  return colours;
}

/**
 * An OKLCh colour (lightness 0..1, chroma, hue in degrees) as sRGB bytes, less colourful where sRGB ends. Matrices of
 * B. Ottosson, "A perceptual color space for image processing" (2020).
 */
function fromOklch(lightness: number, chroma: number, hue: number): [number, number, number] {
  const angle = (hue * Math.PI) / 180;
  for (let c = chroma; ; c -= 0.005) {
    const rgb = linearRgb(lightness, c * Math.cos(angle), c * Math.sin(angle));
    if (c <= 0 || rgb.every(value => value >= 0 && value <= 1)) {
      const [red, green, blue] = rgb;
      return [toByte(red), toByte(green), toByte(blue)];
    }
  }
}

function linearRgb(lightness: number, a: number, b: number): [number, number, number] {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

/** A linear value as an sRGB byte, by sRGB's transfer curve. */
function toByte(value: number): number {
  const linear = Math.min(Math.max(value, 0), 1);
  return Math.round(255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055));
}
