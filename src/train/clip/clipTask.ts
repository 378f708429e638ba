/** The training of a CLIP as a task of the loop: what a batch is, and one step of it. */
import { createClip } from '../../model/clip.js';
import type { ClipConfig, ImageConfig } from '../../model/config.js';
import type { ImageWeights } from '../../model/imageTower.js';
import { lossAndGradients } from '../../tensor/lossAndGradients.js';
import { layerNorm } from '../../tensor/ops/layerNorm.js';
import {
  add,
  clipByValue,
  clone,
  concat,
  exp,
  keep,
  mul,
  type Pixels,
  reshape,
  slice,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
} from '../../tensor/tfjs.js';
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
 * normalised, the ids of their captions, `[batch, tokens]` int32, and `[batch]` ones where the class token shall enter the
 * last block as it entered the first, else zeros. There all that an embedding says has to come from what the patches
 * carry into that block: without it a small tower gathers early, and nothing local is left for dense methods to find. Metrics beside the loss: `accuracy`, the share of
 * images nearest to their own caption; `gradient`, the length of all gradients before clipping; `scale`, the factor of
 * cosines. As in OpenCLIP, the scale is put back between 1 and 100 after each step.
 */
export function clipTask(config: ClipConfig, options: ClipTaskOptions): TrainTask<ClipState> {
  const { batch, tokens } = options;
  const side = config.image!.imageSize;
  return {
    signature: [{ shape: [batch, 3, side, side] }, { shape: [batch, tokens], dtype: 'int32' }, { shape: [batch] }],
    start() {
      const weights = initialWeights(config, options);
      return { weights, adamW: startAdamW(weights) };
    },
    step(state, rate, pixels, ids, dropped) {
      let kept: Tensor | undefined;
      const { loss, gradients } = lossAndGradients(weights => {
        const contrast = compare(config, weights, pixels as Pixels, ids as Tensor2D, dropped as Tensor1D);
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

function compare(
  config: ClipConfig,
  { image, text, logitScale }: TrainedWeights,
  pixels: Pixels,
  ids: Tensor2D,
  dropped: Tensor1D,
) {
  const clip = createClip(config, { image, text, logitScale: 1 });
  const last = `blocks.${config.image!.layers - 1}.resid_pre`;
  const { embedding } = clip.image(pixels, {
    patch: { [last]: x => withFreshClass(config.image!, image, x, dropped) },
  });
  return contrastiveLoss(embedding, clip.textIds(ids).embedding, exp(logitScale), ids);
}

/** Tokens `[b, n, w]` with the class token, where `dropped` is 1, as it entered the first block. */
function withFreshClass(
  { layerNormEpsilon }: ImageConfig,
  weights: ImageWeights,
  x: Tensor,
  dropped: Tensor1D,
): Tensor {
  const [b, n, w] = x.shape as [number, number, number];
  const own = slice(x, [0, 0, 0], [b, 1, w]);
  const entered = add<Tensor2D>(weights.classToken, slice(weights.positions, [0, 0], [1, w]));
  const fresh = layerNorm(reshape<Tensor3D>(entered, [1, 1, w]), weights.lnPre!, layerNormEpsilon);
  const share = reshape(dropped, [b, 1, 1]);
  return concat([add(mul(own, sub(1, share)), mul(fresh, share)), slice(x, [0, 1, 0], [b, n - 1, w])], 1);
}
