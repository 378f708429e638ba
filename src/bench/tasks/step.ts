import { loadClip } from '../../checkpoint/loadClip.js';
import { createClip } from '../../model/clip.js';
import type { ImageWeights } from '../../model/imageTower.js';
import { compileStep, type StepState } from '../../tensor/compileStep.js';
import { startEngine } from '../../tensor/engine.js';
import { enableGradients } from '../../tensor/gradients.js';
import { lossAndGradients } from '../../tensor/lossAndGradients.js';
import { mean, type Pixels, scalar, square, sub, sum, type Tensor } from '../../tensor/tfjs.js';
import { type AdamWSettings, type AdamWState, adamW, startAdamW } from '../../train/optimiser.js';
import { readFloats } from '../floats.js';
import type { Work } from './work.js';

export interface StepGiven {
  readonly model: string;
  /** A file of float32 pixels for at least `batch` images. */
  readonly input: string;
  /** A file of float32 embeddings of unit length that the images are drawn to. */
  readonly targets: string;
  readonly batch: number;
  readonly rate: number;
  readonly adam: AdamWSettings;
  readonly threads: number;
}

interface State {
  readonly weights: ImageWeights;
  readonly adam: AdamWState<ImageWeights>;
}

/** A step of training of the image tower: forward, backward and AdamW in one graph; gives the losses so far. */
export async function step({ model, input, targets, batch, rate, adam, threads }: StepGiven): Promise<Work> {
  await startEngine('cpu');
  enableGradients();
  const { config, weights } = await loadClip(model, { towers: ['image'], weights: 'file' });
  const side = config.image!.imageSize;
  const pace = scalar(rate);
  const train = (before: State, pixels: Tensor, wanted: Tensor) => {
    const { loss, gradients } = lossAndGradients(image => {
      const { embedding } = createClip(config, { ...weights, image }).image(pixels as Pixels);
      return mean(sum(square(sub(embedding, wanted)), 1));
    }, before.weights);
    const after = adamW(before.weights, gradients, before.adam, pace, adam);
    return { state: { weights: after.weights, adam: after.state }, loss };
  };
  const start: State = { weights: weights.image!, adam: startAdamW(weights.image!) };
  const signature = [{ shape: ['batch', 3, side, side] }, { shape: ['batch', config.embedding] }] as const;
  const compiled = await compileStep(train, start, signature, { threads });
  const pixels = { data: readFloats(input, batch * 3 * side * side), shape: [batch, 3, side, side] };
  const wanted = { data: readFloats(targets, batch * config.embedding), shape: [batch, config.embedding] };
  let state: StepState<State> = start;
  const losses: number[] = [];
  return async () => {
    const done = await compiled(state, pixels, wanted);
    ({ state } = done);
    losses.push(done.loss.data[0]!);
    return Float32Array.from(losses);
  };
}
