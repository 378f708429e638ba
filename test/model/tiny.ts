/** The tiny random CLIP of the goldens, loaded by the project's own readers. */

import { readFileSync } from 'node:fs';
import { bytesFromMemory } from '../../src/files/bytes.js';
import { openSafetensors } from '../../src/files/safetensors/read.js';
import { type Clip, createClip } from '../../src/model/clip.js';
import type { ClipConfig } from '../../src/model/config.js';
import { checkWeights, configFromShapes, openCheckpoint } from '../../src/model/weights/checkpoint.js';
import { loadWeights } from '../../src/model/weights/load.js';
import { type Pixels, tensor4d } from '../../src/tensor/tfjs.js';
import { findGolden, type GoldenTensor } from '../goldens.js';

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
