/**
 * The ten shapes as tests of points, and the four textures. Coordinates are the shape's own: x to the right, y
 * downwards, the centre at 0, the farthest points at distance 1. Only `+ - * /` and comparisons, which
 * IEEE 754 fixes to the bit.
 */
import type { SceneShape, SceneTexture } from './world.js';

/** Whether a point is inside; the edge belongs to the shape. */
type Inside = (x: number, y: number) => boolean;

/** cos(pi / 6) = sin(pi / 3). */
const cos30 = 0.8660254037844386;
/** sin and cos of 18 and 54 degrees: normals of a five-pointed star's lines; sin 18 is also their distance. */
const [sin18, cos18, sin54, cos54] = [0.30901699437494745, 0.9510565162951535, 0.8090169943749475, 0.5877852522924731];

const ringHole = 0.55;
const crossArm = 0.31;
const crossReach = 0.95;
const crescentShift = 0.45;
const crescentBite = 0.8;
const diamondHalfWidth = 0.7;

export const insideShape: Readonly<Record<SceneShape, Inside>> = {
  circle: (x, y) => x * x + y * y <= 1,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= Math.SQRT1_2,
  triangle: (x, y) => y <= 0.5 && 2 * cos30 * Math.abs(x) - y <= 1,
  // The points on the inner side of at least four of its five lines.
  star: (x, y) => {
    const ax = Math.abs(x);
    const beyond =
      Number(-y * sin18 + ax * cos18 > sin18) +
      Number(-y * sin18 - ax * cos18 > sin18) +
      Number(y * sin54 + ax * cos54 > sin18) +
      Number(y * sin54 - ax * cos54 > sin18) +
      Number(-y > sin18);
    return beyond <= 1;
  },
  ring: (x, y) => {
    const squared = x * x + y * y;
    return squared <= 1 && squared >= ringHole * ringHole;
  },
  cross: (x, y) => {
    const ax = Math.abs(x);
    const ay = Math.abs(y);
    return Math.max(ax, ay) <= crossReach && Math.min(ax, ay) <= crossArm;
  },
  // The curve (x^2 + y^2 - 1)^3 = x^2 y^3 with y upwards; the smallest circle round it has centre (0, 1/4), radius 5/4.
  heart: (x, y) => {
    const across = 1.25 * x;
    const up = 0.25 - 1.25 * y;
    const round = across * across + up * up - 1;
    return round * round * round <= across * across * up * up * up;
  },
  crescent: (x, y) => {
    const shifted = x - crescentShift;
    return x * x + y * y <= 1 && shifted * shifted + y * y >= crescentBite * crescentBite;
  },
  diamond: (x, y) => Math.abs(x) + diamondHalfWidth * Math.abs(y) <= diamondHalfWidth,
  hexagon: (x, y) => Math.abs(y) <= cos30 && 2 * cos30 * Math.abs(x) + Math.abs(y) <= 2 * cos30,
};

const odd = (n: number): boolean => (n & 1) !== 0;
const stripe = 3.5;
const check = 4.5;
const dotPitch = 7;
const dotRadius = 2.3;
const toDot = (x: number): number => x - dotPitch * Math.floor(x / dotPitch) - dotPitch / 2;

/** Whether a texture is dark at a point, given in 96ths of the picture's side along the object's own axes. */
export const darkInTexture: Readonly<Record<SceneTexture, (x: number, y: number) => boolean>> = {
  plain: () => false,
  striped: x => odd(Math.floor(x / stripe)),
  dotted: (x, y) => toDot(x) * toDot(x) + toDot(y) * toDot(y) <= dotRadius * dotRadius,
  checkered: (x, y) => odd(Math.floor(x / check) + Math.floor(y / check)),
};

/**
 * Cosine and sine of an angle of at most half a right angle, by their power series: the last bit of `Math.cos` differs
 * between engines.
 */
export function cosSin(angle: number): readonly [cos: number, sin: number] {
  const x = angle * angle;
  const cos = 1 - (x / 2) * (1 - (x / 12) * (1 - (x / 30) * (1 - (x / 56) * (1 - (x / 90) * (1 - x / 132)))));
  const sin =
    angle * (1 - (x / 6) * (1 - (x / 20) * (1 - (x / 42) * (1 - (x / 72) * (1 - (x / 110) * (1 - x / 156))))));
  return [cos, sin];
}
