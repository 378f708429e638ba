/** The six backgrounds: a colour each, and how light or dark a simple texture makes it. */
import { nextAround, nextBelow, nextFraction, type RandomState } from './random.js';
import type { Rgb, SceneBackground } from './world.js';

/** Writes the shades of pixel row `y` into `row`: whole numbers, 0 for the background's own colour. */
export type Shading = (y: number, row: Int16Array) => void;

/** What a background is made of. */
export interface BackgroundLook {
  readonly rgb: Rgb;
  /** How much of a shade each channel takes, in 64ths. */
  readonly slope: Rgb;
  /** The most that noise adds to a pixel's shade. */
  readonly noise: number;
  /** The texture, for pixels of `step` 96ths of the side. */
  readonly texture: (state: RandomState, step: number) => Shading;
}

export const backgroundLooks: Readonly<Record<SceneBackground, BackgroundLook>> = {
  grass: { rgb: [84, 156, 52], slope: [64, 64, 48], noise: 20, texture: blades },
  sand: { rgb: [202, 186, 130], slope: [64, 62, 52], noise: 32, texture: ripples },
  water: { rgb: [58, 118, 176], slope: [64, 64, 64], noise: 12, texture: waves },
  brick: { rgb: [152, 74, 64], slope: [60, 64, 64], noise: 14, texture: wall },
  snow: { rgb: [208, 222, 240], slope: [64, 56, 40], noise: 14, texture: drifts },
  'night sky': { rgb: [18, 20, 50], slope: [64, 64, 56], noise: 8, texture: stars },
};

/** Random whole numbers from `-reach` to `reach`. */
const cells = (state: RandomState, count: number, reach: number): Int8Array =>
  Int8Array.from({ length: count }, () => nextAround(state, reach));

/** A wave of period 1 and height 1 out of parabolas; nearly a sine, and the same on every engine. */
function wave(x: number): number {
  const t = 2 * (x - Math.floor(x));
  return t < 1 ? 4 * t * (1 - t) : -4 * (t - 1) * (2 - t);
}

/** Upright streaks of two by six 96ths, each column begun at its own height. */
function blades(state: RandomState, step: number): Shading {
  const [columns, rows] = [48, 17];
  const shades = cells(state, columns * rows, 18);
  const starts = cells(state, columns, 3);
  return (y, row) => {
    for (let x = 0; x < row.length; x++) {
      const column = Math.floor((x * step) / 2);
      row[x] = shades[column * rows + Math.floor((y * step + starts[column]! + 3) / 6)]!;
    }
  };
}

/** Faint slanting ripples; the grains are noise. */
function ripples(state: RandomState, step: number): Shading {
  const [slant, phase] = [0.02 * nextFraction(state), nextFraction(state)];
  return (y, row) => {
    for (let x = 0; x < row.length; x++) row[x] = Math.floor(7 * wave(slant * x * step + (y * step) / 17 + phase));
  };
}

/** Wavy bands across the picture. */
function waves(state: RandomState, step: number): Shading {
  const [down, along] = [nextFraction(state), nextFraction(state)];
  return (y, row) => {
    for (let x = 0; x < row.length; x++) {
      const swell = 0.22 * wave((x * step) / 26 + along);
      row[x] = Math.floor(17 * wave((y * step) / 11 + down + swell));
    }
  };
}

/** Bricks of 16 by 10 96ths with the mortar between, every second course moved by half a brick. */
function wall(state: RandomState, step: number): Shading {
  const [width, height, mortar, light] = [16, 10, 2, 52];
  const [left, top] = [nextBelow(state, width), nextBelow(state, height)];
  const bricks = cells(state, 11 * 8, 9);
  return (y, row) => {
    const down = y * step + top;
    const course = Math.floor(down / height);
    for (let x = 0; x < row.length; x++) {
      const across = x * step + left + (course & 1) * (width / 2);
      const brick = Math.floor(across / width);
      const inJoint = down - course * height < mortar || across - brick * width < mortar;
      row[x] = inJoint ? light : bricks[course * 8 + brick]!;
    }
  };
}

/** Soft drifts: random heights on a grid of 16 96ths, smooth in between. */
function drifts(state: RandomState, step: number): Shading {
  const side = 7;
  const heights = cells(state, side * side, 14);
  return (y, row) => {
    const down = (y * step) / 16;
    const j = Math.floor(down);
    for (let x = 0; x < row.length; x++) {
      const across = (x * step) / 16;
      const i = Math.floor(across);
      const at = j * side + i;
      const upper = heights[at]! + (heights[at + 1]! - heights[at]!) * (across - i);
      const lower = heights[at + side]! + (heights[at + side + 1]! - heights[at + side]!) * (across - i);
      row[x] = Math.floor(upper + (lower - upper) * (down - j));
    }
  };
}

/** Lighter towards the ground, with 45 square stars of one or two 96ths. */
function stars(state: RandomState, step: number): Shading {
  const all = Array.from({ length: 45 }, () => {
    const width = nextBelow(state, 4) === 0 ? 2 : 1;
    const [left, top] = [nextBelow(state, 95), nextBelow(state, 95)].map(at => Math.ceil(at / step));
    return { left: left!, top: top!, pixels: Math.ceil(width / step), light: 90 + nextBelow(state, 110) };
  });
  return (y, row) => {
    row.fill(Math.floor((y * step) / 6));
    for (const { left, top, pixels, light } of all) {
      if (y >= top && y < top + pixels) row.fill(light, left, left + pixels);
    }
  };
}
