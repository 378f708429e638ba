/** A training run of seconds: a task of a few weights, and the smallest CLIP on scenes. */

import { lossAndGradients } from '../../src/tensor/lossAndGradients.js';
import {
  add,
  matMul,
  mean,
  mul,
  scalar,
  square,
  sub,
  type Tensor,
  type Tensor2D,
  tensor2d,
  zeros,
} from '../../src/tensor/tfjs.js';
import { parseTrainConfig, type TrainClipConfig } from '../../src/train/clip/config.js';
import type { BatchSource, TrainTask } from '../../src/train/task.js';

export interface LineState {
  readonly weights: { readonly weight: Tensor2D };
  readonly momentum: Tensor2D;
  readonly steps: Tensor;
}

/** Least squares with momentum, four numbers to two; `loss`, and the number of steps as a metric. */
export const lineTask: TrainTask<LineState> = {
  start: () => ({
    weights: { weight: tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]) },
    momentum: zeros([4, 2]),
    steps: scalar(0),
  }),
  signature: [{ shape: [3, 4] }, { shape: [3, 2] }],
  step({ weights, momentum, steps }, rate, x, y) {
    const { loss, gradients } = lossAndGradients(
      ({ weight }) => mean(square(sub(matMul(x as Tensor2D, weight), y!))),
      weights,
    );
    const speed = add(mul(momentum, 0.9), gradients.weight) as Tensor2D;
    const weight = sub(weights.weight, mul(speed, rate)) as Tensor2D;
    const count = add(steps, 1);
    return { state: { weights: { weight }, momentum: speed, steps: count }, metrics: { loss, count } };
  },
};

/** Numbers between -1 and 1 that follow from where they stand alone. */
const noise = (seed: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * (seed + 1) + 78.233 * (i + 1)));

/** Batches for `lineTask`; remembers the steps that were asked for. */
export function lineSource(): BatchSource & { asked: number[]; released: number } {
  const source = {
    asked: [] as number[],
    released: 0,
    async batch(step: number) {
      source.asked.push(step);
      return [
        { data: noise(step, 12), shape: [3, 4] },
        { data: noise(step + 0.5, 6), shape: [3, 2] },
      ];
    },
    release: () => void source.released++,
    describe: (step: number) => `number ${step}`,
    close: async () => {},
  };
  return source;
}

/** The smallest configuration that has everything: 12 steps of a few milliseconds. */
export const tinyJson = {
  seed: 5,
  model: {
    embedding: 8,
    image: { width: 8, layers: 1, heads: 2, mlpWidth: 16, patch: 12, imageSize: 24 },
    text: { width: 8, layers: 1, heads: 2, mlpWidth: 16, context: 32 },
  },
  data: {
    seed: 7,
    batch: 8,
    stages: [
      { fromStep: 1, scenes: { objects: [1, 1], radius: [20, 40] }, twins: 4 },
      { fromStep: 5, share: 3, scenes: { radius: [14, 20] }, captions: { shapeAlone: 0.5 }, twins: 2 },
      { fromStep: 5, scenes: { radius: [14, 20] } },
    ],
  },
  steps: 12,
  optimiser: { rate: 0.01, warmup: 2, decay: 0.1 },
  checkpoint: { every: 4, keep: 2 },
  log: { every: 1 },
};

/** The same, checked. */
export const tinyConfig = (): TrainClipConfig => parseTrainConfig(tinyJson, 'tiny');
