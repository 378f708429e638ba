/** A distillation of seconds: the smallest CLIP on scenes, written to a folder. */
import { join } from 'node:path';
import { writeModelFolder } from '../../../src/checkpoint/convert.js';
import { fromFloat32 } from '../../../src/files/dtype.js';
import { clipPreprocess } from '../../../src/image/preprocessSpec.js';
import { parseClipselfConfig, type TrainClipselfConfig } from '../../../src/methods/clipself/config.js';
import type { ClipConfig } from '../../../src/model/config.js';
import { entryOf, huggingFace } from '../../../src/model/weights/dialects.js';
import { rolesOf } from '../../../src/model/weights/roles.js';

const common = {
  width: 16,
  layers: 2,
  heads: 2,
  mlpWidth: 32,
  activation: 'quick_gelu',
  layerNormEpsilon: 1e-5,
} as const;

const whole: ClipConfig = {
  embedding: 8,
  image: { ...common, patch: 8, imageSize: 24 },
  text: { ...common, context: 8, vocabulary: 16, pooling: 'largest-id' },
};

/** Writes a model of made-up weights, or some of its towers, as a Hugging Face folder. @returns its path */
export function writeTiny(dir: string, shift = 0, towers: readonly ('image' | 'text')[] = ['image', 'text']): string {
  const folder = join(dir, `model${shift}`);
  const config: ClipConfig = { embedding: whole.embedding };
  for (const tower of towers) Object.assign(config, { [tower]: whole[tower] });
  const tensors = new Map(
    [...rolesOf(config)].map(([role, shape], tensor) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const isNorm = /\.ln\w*\.weight$/i.test(role);
      const values = Float32Array.from({ length: size }, (_, i) => {
        return (isNorm ? 1 : 0) + 0.3 * Math.sin(1.7 * i + 12.9 * tensor + shift);
      });
      const bytes = () => fromFloat32('F32', values);
      return [entryOf(huggingFace, role).theirs, { dtype: 'F32' as const, shape, bytes }] as const;
    }),
  );
  writeModelFolder(folder, { name: folder, config, preprocessor: clipPreprocess(24), tensors });
  return folder;
}

/** Twelve steps of a few milliseconds. */
export const tinyJson = (model: string) => ({
  seed: 3,
  model,
  data: { scenes: { objects: [2, 4] }, batch: 2, size: 48, regions: 'boxes' },
  steps: 12,
  optimiser: { rate: 0.005, warmup: 2 },
  alpha: 1,
  checkpoint: { every: 4, keep: 2 },
  log: { every: 1 },
});

export const tinyConfig = (model: string): TrainClipselfConfig => parseClipselfConfig(tinyJson(model), 'tiny');
