import { fillPlanes, type Triple, valueTables } from '../image/resizing/planes.js';
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
  const { instances, canvas = sceneCanvas(scenes[0]!.size), mean, std } = { ...scenePixelScale, ...options };
  const pixels = canvas.size * canvas.size;
  expectLength('pixels', into.length, 3 * pixels * scenes.length);
  if (instances) expectLength('instances', instances.length, pixels * scenes.length);
  const tables = valueTables(1 / 255, mean, std);
  scenes.forEach((scene, i) => {
    drawScene(scene, canvas);
    instances?.set(canvas.instances, i * pixels);
    const part = into.subarray(i * 3 * pixels, (i + 1) * 3 * pixels);
    if (part instanceof Float32Array) fillPlanes(canvas.pixels, tables, part);
    else part.set(canvas.pixels);
  });
}

function expectLength(name: string, got: number, expected: number): void {
  if (got !== expected) throw new RangeError(`drawScenes: expected ${expected} ${name}, got an array of ${got}`);
}
