/** The pixels of a scene, and which object each shows. */
import { backgroundLooks } from './backgrounds.js';
import { unitSide } from './options.js';
import { nextBits, type RandomState, randomStream } from './random.js';
import { type Scene, type SceneObject, streams } from './scene.js';
import { cosSin, darkInTexture, insideShape } from './shapes.js';

/** What scenes of one size are drawn into, one after the other. */
export interface SceneCanvas {
  readonly size: number;
  /** Red, green, blue of each pixel, row by row. */
  readonly pixels: Uint8Array;
  /** For each pixel 0 for the background, `i + 1` for object `i` of the scene. */
  readonly instances: Uint8Array;
}

/** What is seen of an object. */
export interface VisiblePart {
  /** First column and row, width and height, in whole pixels. */
  readonly box: readonly [left: number, top: number, width: number, height: number];
  /** Pixels. */
  readonly area: number;
}

/** A canvas for scenes of `size` pixels a side. */
export function sceneCanvas(size: number): SceneCanvas {
  return { size, pixels: new Uint8Array(size * size * 3), instances: new Uint8Array(size * size) };
}

/**
 * Draws a scene over whatever the canvas held. A pixel shows the last object that its centre lies in: edges are not
 * smoothed, so that the mask is exactly what was painted.
 * @throws RangeError when the canvas is of another size
 */
export function drawScene(scene: Scene, canvas: SceneCanvas): void {
  if (scene.size !== canvas.size) {
    throw new RangeError(`drawScene: the scene is of size ${scene.size}, the canvas of size ${canvas.size}`);
  }
  const { buffer, byteOffset, length } = canvas.pixels;
  // Values beyond 0..255 are cut off as they are stored.
  const rgb = new Uint8ClampedArray(buffer, byteOffset, length);
  const state = randomStream(scene.seed, scene.index, streams.pixels);
  paintBackground(scene, rgb, state);
  canvas.instances.fill(0);
  for (const [i, object] of scene.objects.entries()) paintObject(object, i + 1, canvas, rgb, state);
}

/** A whole number from `-reach` to `reach`, the middle ones more often, out of 16 random bits. */
const noiseOf = (bits: number, reach: number): number => (((bits & 255) + ((bits >>> 8) & 255) - 255) * reach) >> 8;

function paintBackground({ background, tint, size }: Scene, rgb: Uint8ClampedArray, state: RandomState): void {
  const { rgb: base, slope, noise, texture } = backgroundLooks[background];
  const [red, green, blue] = [base[0] + tint[0], base[1] + tint[1], base[2] + tint[2]];
  const shading = texture(state, unitSide / size);
  const row = new Int16Array(size);
  let bits = 0;
  for (let y = 0, p = 0; y < size; y++) {
    shading(y, row);
    for (let x = 0; x < size; x++, p += 3) {
      bits = x & 1 ? bits >>> 16 : nextBits(state);
      const shade = row[x]! + noiseOf(bits, noise);
      rgb[p] = red + ((shade * slope[0]) >> 6);
      rgb[p + 1] = green + ((shade * slope[1]) >> 6);
      rgb[p + 2] = blue + ((shade * slope[2]) >> 6);
    }
  }
}

const objectNoise = 12;

function paintObject(
  { shape, texture, x: centreX, y: centreY, radius, rotation, paint, shade }: SceneObject,
  id: number,
  { size, instances }: SceneCanvas,
  rgb: Uint8ClampedArray,
  state: RandomState,
): void {
  const inside = insideShape[shape];
  const dark = darkInTexture[texture];
  const [cos, sin] = cosSin(rotation);
  const units = (radius * unitSide) / size;
  const [red, green, blue] = paint;
  const shaded = paint.map(value => Math.floor(value * shade));
  const first = (centre: number) => Math.max(Math.ceil(centre - radius - 0.5), 0);
  const last = (centre: number) => Math.min(Math.floor(centre + radius - 0.5), size - 1);
  for (let y = first(centreY); y <= last(centreY); y++) {
    const dy = (y + 0.5 - centreY) / radius;
    for (let x = first(centreX); x <= last(centreX); x++) {
      const dx = (x + 0.5 - centreX) / radius;
      const u = dx * cos + dy * sin;
      const v = dy * cos - dx * sin;
      if (!inside(u, v)) continue;
      const at = y * size + x;
      const noise = noiseOf(nextBits(state), objectNoise);
      const isDark = dark(u * units, v * units);
      instances[at] = id;
      rgb[at * 3] = (isDark ? shaded[0]! : red) + noise;
      rgb[at * 3 + 1] = (isDark ? shaded[1]! : green) + noise;
      rgb[at * 3 + 2] = (isDark ? shaded[2]! : blue) + noise;
    }
  }
}

/** Box and area of what is seen of each object of the scene on a canvas. */
export function visibleParts({ objects }: Scene, { size, instances }: SceneCanvas): VisiblePart[] {
  const found = objects.map(() => ({ left: size, top: size, right: -1, bottom: -1, area: 0 }));
  for (let y = 0, p = 0; y < size; y++) {
    for (let x = 0; x < size; x++, p++) {
      if (instances[p] === 0) continue;
      const part = found[instances[p]! - 1]!;
      part.left = Math.min(part.left, x);
      part.right = Math.max(part.right, x);
      part.top = Math.min(part.top, y);
      part.bottom = y;
      part.area++;
    }
  }
  return found.map(({ left, top, right, bottom, area }) => ({
    box: [left, top, right - left + 1, bottom - top + 1],
    area,
  }));
}
