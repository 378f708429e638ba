/** The training of a CLIP as a task of the loop: what a batch is, and one step of it. */
import { createClip } from '../../model/clip.js';
import type { ClipConfig } from '../../model/config.js';
import { lossAndGradients } from '../../tensor/lossAndGradients.js';
import { clipByValue, clone, exp, keep, type Pixels, type Tensor, type Tensor2D } from '../../tensor/tfjs.js';
import { type AdamWSettings, type AdamWState, adamW, clipGradients, startAdamW } from '../optimiser.js';
import type { TrainTask } from '../task.js';
import { contrastiveLoss, mostScale } from './contrastive.js';
import { type InitialOptions, initialWeights, type TrainedWeights } from './initial.js';

/** Weights and what AdamW remembers of their gradients. */
export interface ClipState {
  readonly weights: TrainedWeights;
  readonly adamW: AdamWState<TrainedWeights>;
}

export interface ClipTaskOptions extends InitialOptions {
  /** Pairs of image and caption in a batch. */
  readonly batch: number;
  /** Tokens of the longest caption, start and end included; shorter ones are followed by the same filling. */
  readonly tokens: number;
  readonly adamW: AdamWSettings;
  /** The most that the gradients of a step may be long, all together. */
  readonly clip: number;
}

/**
 * CLIP's contrastive training from the beginning; `enableGradients` first. A batch is pixels `[batch, 3, side, side]`,
 * normalised, and the ids of their captions, `[batch, tokens]` int32. Metrics beside the loss: `accuracy`, the share of
 * images nearest to their own caption; `gradient`, the length of all gradients before clipping; `scale`, the factor of
 * cosines. As in OpenCLIP, the scale is put back between 1 and 100 after each step.
 */
export function clipTask(config: ClipConfig, options: ClipTaskOptions): TrainTask<ClipState> {
  const { batch, tokens } = options;
  const side = config.image!.imageSize;
  return {
    signature: [{ shape: [batch, 3, side, side] }, { shape: [batch, tokens], dtype: 'int32' }],
    start() {
      const weights = initialWeights(config, options);
      return { weights, adamW: startAdamW(weights) };
    },
    step(state, rate, pixels, ids) {
      let kept: Tensor | undefined;
      const { loss, gradients } = lossAndGradients(weights => {
        const contrast = compare(config, weights, pixels as Pixels, ids as Tensor2D);
        kept = keep(contrast.accuracy);
        return contrast.loss;
      }, state.weights);
      // From beyond the gradient's own scope back to the caller's.
      const accuracy = clone(kept!);
      kept!.dispose();
      const clipped = clipGradients(gradients, options.clip);
      const next = adamW(state.weights, clipped.gradients, state.adamW, rate, options.adamW);
      const logitScale = clipByValue(next.weights.logitScale, 0, Math.log(mostScale));
      return {
        state: { weights: { ...next.weights, logitScale }, adamW: next.state },
        metrics: { loss, accuracy, gradient: clipped.norm, scale: exp(state.weights.logitScale) },
      };
    },
  };
}

function compare(config: ClipConfig, { image, text, logitScale }: TrainedWeights, pixels: Pixels, ids: Tensor2D) {
  const clip = createClip(config, { image, text, logitScale: 1 });
  return contrastiveLoss(clip.image(pixels).embedding, clip.textIds(ids).embedding, exp(logitScale), ids);
}
