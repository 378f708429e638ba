/** The tiny random CLIP of the goldens, loaded by the project's own readers. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { bytesFromMemory } from '../../src/files/byteSource.js';
import { openSafetensors } from '../../src/files/safetensors/read.js';
import { type Clip, createClip } from '../../src/model/clip.js';
import type { ClipConfig } from '../../src/model/config.js';
import { checkWeights, configFromShapes, openCheckpoint } from '../../src/model/weights/checkpoint.js';
import { loadWeights } from '../../src/model/weights/load.js';
import { type Pixels, type Tensor, tensor4d } from '../../src/tensor/tfjs.js';
import { expectClose, findGolden, type GoldenTensor, readGolden } from '../goldens.js';

export function clipFrom(relative: string, change: (config: ClipConfig) => ClipConfig = c => c): Clip {
  const path = findGolden(relative)!;
  const file = openSafetensors(bytesFromMemory(readFileSync(path), path));
  const checkpoint = openCheckpoint(file);
  const config = change(configFromShapes(checkpoint));
  checkWeights(checkpoint, config);
  return createClip(config, loadWeights(checkpoint, config));
}

export const tinyClip = (change?: (config: ClipConfig) => ClipConfig) =>
  clipFrom('clip-tiny/weights/open_clip-v512/open_clip_model.safetensors', change);

export const deepClip = () => clipFrom('clip-tiny/weights/vision-deep7-fp16.safetensors');

export const pixelsOf = (golden: GoldenTensor): Pixels =>
  tensor4d(golden.data as Float32Array, golden.shape as [number, number, number, number]);

/** The rows of a golden matrix of ids. */
export function rowsOf({ data, shape }: GoldenTensor): number[][] {
  const [rows, columns] = shape as [number, number];
  return Array.from({ length: rows }, (_, i) =>
    Array.from(data.subarray(i * columns, (i + 1) * columns) as Int32Array),
  );
}

/** Two 64 x 64 images of the goldens, `[2, 3, 64, 64]`. */
export const twoImages = (): Pixels => pixelsOf(readGolden(findGolden('clip-tiny/vision_trace.safetensors')!).pixels!);

/** One image of another shape with made-up values. */
export const madeUpImage = (height: number, width: number): Pixels =>
  tensor4d(
    Float32Array.from({ length: 3 * height * width }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011)),
    [1, 3, height, width],
  );

/** Values of tensors by name, copied, so that they outlive the tensors. */
export const valuesOf = (seen: Readonly<Record<string, Tensor>>): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(seen).map(([name, tensor]) => [name, (tensor.dataSync() as Float32Array).slice()]));

/** Throws unless both hold the same names with the same values, bit for bit (chai is slow at long arrays). */
export function expectSame(actual: Record<string, Float32Array>, expected: Record<string, Float32Array>): void {
  expect(Object.keys(actual)).to.deep.equal(Object.keys(expected));
  for (const [name, values] of Object.entries(expected)) expectClose(actual[name]!, values, { maxAbs: 0 }, { name });
}
