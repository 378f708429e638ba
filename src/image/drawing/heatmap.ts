import { InputError } from '../../errors.js';
import { type Picture, rgbPicture } from '../picture.js';

/**
 * Points of the colour map viridis, evenly spaced (S. van der Walt and N. Smith, 2015, released under CC0): even steps of
 * value look like even steps of colour, in print without colour too.
 */
const viridis = [
  0x440154, 0x481567, 0x482677, 0x453781, 0x404788, 0x39568c, 0x33638d, 0x2d708e, 0x287d8e, 0x238a8d, 0x1f968b,
  0x20a387, 0x29af7f, 0x3cbb75, 0x55c667, 0x73d055, 0x95d840, 0xb8de29, 0xdce319, 0xfde725,
];

/** The colour of what is not a number. */
const absent = [150, 150, 150] as const;

/** Red, green, blue of a value from 0 (dark violet) to 1 (yellow); values outside are clamped, NaN is grey. */
export function heatColour(value: number): readonly [number, number, number] {
  if (Number.isNaN(value)) return absent;
  const position = Math.min(Math.max(value, 0), 1) * (viridis.length - 1);
  const below = Math.min(Math.floor(position), viridis.length - 2);
  const mix = (shift: number) => {
    const from = (viridis[below]! >> shift) & 255;
    const to = (viridis[below + 1]! >> shift) & 255;
    return Math.round(from + (to - from) * (position - below));
  };
  return [mix(16), mix(8), mix(0)];
}

/** How `heatmap` draws. */
export interface HeatmapOptions {
  /** The values that are darkest and brightest; the smallest and largest finite values by default. */
  readonly range?: readonly [number, number];
  /** Every value becomes a square of this many pixels; by default so many that the longer side is about 256 pixels. */
  readonly scale?: number;
}

/**
 * A map of values (attention, norms) in the colours of viridis, each value a square of pixels. A map of equal values is
 * of the middle colour throughout.
 *
 * @param values `[height, width]`
 * @returns an RGB picture of `width * scale` by `height * scale`
 * @throws InputError for a range that is not two increasing numbers or a scale that is not a whole number from 1 on
 */
export function heatmap(
  values: ArrayLike<number>,
  width: number,
  height: number,
  options: HeatmapOptions = {},
): Picture {
  if (values.length !== width * height) {
    throw new RangeError(`heatmap: ${width} x ${height} takes ${width * height} values, got ${values.length}`);
  }
  const [low, high] = options.range ?? finiteRange(values);
  if (options.range && !(low < high && Number.isFinite(high - low))) {
    throw new InputError(`heatmap: expected a range of two increasing numbers, got ${low} to ${high}`);
  }
  const scale = options.scale ?? Math.max(1, Math.round(256 / Math.max(width, height)));
  if (!Number.isInteger(scale) || scale < 1 || width * height * scale * scale > 2 ** 28) {
    throw new InputError(`heatmap: expected a scale from 1 on that gives at most 2^28 pixels, got ${scale}`);
  }
  const rowBytes = width * scale * 3;
  const data = new Uint8Array(rowBytes * height * scale);
  for (let y = 0; y < height; y++) {
    const start = y * scale * rowBytes;
    for (let x = 0, o = start; x < width; x++) {
      const value = values[y * width + x]!;
      const colour = heatColour(high > low ? (value - low) / (high - low) : Number.isNaN(value) ? value : 0.5);
      for (let repeat = 0; repeat < scale; repeat++, o += 3) data.set(colour, o);
    }
    for (let repeat = 1; repeat < scale; repeat++) data.copyWithin(start + repeat * rowBytes, start, start + rowBytes);
  }
  return rgbPicture(width * scale, height * scale, data);
}

function finiteRange(values: ArrayLike<number>): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) continue;
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  return [low, high];
}
