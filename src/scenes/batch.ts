import type { Triple } from '../image/resizing/planes.js';
import { drawScene, type SceneCanvas, sceneCanvas } from './draw.js';
import type { Scene } from './scene.js';

/** Where a batch of scenes goes, and how. */
export interface SceneBatchOptions {
  /** `[n, size, size]`: which object each pixel shows, see `SceneCanvas`. */
  readonly instances?: Uint8Array;
  /** A canvas to draw on, to be used again for the next batch. */
  readonly canvas?: SceneCanvas;
  /** For float32 pixels; `scenePixelScale` by default. */
  readonly mean?: Triple;
  readonly std?: Triple;
}

/** What models of scenes are trained on: mean and deviation of red, green and blue in units of 0..1. */
export const scenePixelScale: { readonly mean: Triple; readonly std: Triple } = {
  mean: [0.48, 0.48, 0.48],
  std: [0.27, 0.27, 0.27],
};

/**
 * Draws scenes of one size into memory of the caller's, such as that of a training batch shared between threads.
 * @param into bytes `[n, size, size, 3]`, or float32 `[n, 3, size, size]` with the values that `preprocess` gives
 * @throws RangeError when the scenes differ in size, or an array has not the length they need
 */
export function drawScenes(
  scenes: readonly Scene[],
  into: Uint8Array | Float32Array,
  options: SceneBatchOptions = {},
): void {
  if (scenes.length === 0) return;
  const { instances, canvas = sceneCanvas(scenes[0]!.size) } = options;
  const pixels = canvas.size * canvas.size;
  expectLength('pixels', into.length, 3 * pixels * scenes.length);
  if (instances) expectLength('instances', instances.length, pixels * scenes.length);
  const tables = into instanceof Float32Array ? valueTables(options) : undefined;
  scenes.forEach((scene, i) => {
    drawScene(scene, canvas);
    instances?.set(canvas.instances, i * pixels);
    const part = into.subarray(i * 3 * pixels, (i + 1) * 3 * pixels);
    if (tables) toPlanes(canvas.pixels, tables, part);
    else part.set(canvas.pixels);
  });
}

function expectLength(name: string, got: number, expected: number): void {
  if (got !== expected) throw new RangeError(`drawScenes: expected ${expected} ${name}, got an array of ${got}`);
}

/** What each of the 256 values becomes in each channel, rounded to float32 after each step. */
function valueTables(options: SceneBatchOptions): Float32Array[] {
  const { mean, std } = { ...scenePixelScale, ...options };
  const { fround } = Math;
  return [0, 1, 2].map(c =>
    Float32Array.from({ length: 256 }, (_, value) => fround(fround(value / 255) - fround(mean[c]!)) / fround(std[c]!)),
  );
}

function toPlanes(bytes: Uint8Array, tables: readonly Float32Array[], planes: Uint8Array | Float32Array): void {
  const pixels = planes.length / 3;
  tables.forEach((table, c) => {
    for (let p = 0, i = c, o = c * pixels; p < pixels; p++, i += 3) planes[o + p] = table[bytes[i]!]!;
  });
}
