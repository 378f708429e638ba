/** The small random EVA02-CLIP image tower of the goldens. */
import { openBytes } from '../../src/files/bytes.js';
import { openSafetensors } from '../../src/files/safetensors/read.js';
import { type Clip, createClip } from '../../src/model/clip.js';
import { type ClipConfig, evaDefaults, type ImageConfig } from '../../src/model/config.js';
import { checkWeights, openCheckpoint } from '../../src/model/weights/checkpoint.js';
import { loadWeights } from '../../src/model/weights/load.js';
import { findGolden, type GoldenTensor, readGolden } from '../goldens.js';

export const evaWeightsPath = (): string => findGolden('clipself/eva_weights.safetensors')!;

/** Reference numbers by image size, `96x96`, and name. */
export const evaGolden = (): Record<string, GoldenTensor> =>
  readGolden(findGolden('clipself/eva_outputs.safetensors')!);

const image: ImageConfig = {
  ...evaDefaults,
  width: 96,
  layers: 3,
  heads: 3,
  mlpWidth: 256,
  patch: 16,
  imageSize: 64,
};

export const evaConfig = { embedding: 64, image } satisfies ClipConfig;

export function evaClip(change: Partial<ImageConfig> = {}): Clip {
  const file = openSafetensors(openBytes(evaWeightsPath()));
  try {
    const checkpoint = openCheckpoint(file);
    checkWeights(checkpoint, evaConfig);
    const weights = loadWeights(checkpoint, evaConfig);
    return createClip({ ...evaConfig, image: { ...image, ...change } }, weights);
  } finally {
    file.close();
  }
}
