/** CLIPSelf's training as a task of the loop (Wu et al., ICLR 2024, arXiv 2310.01403). */
import type { BlockWeights } from '../../model/block.js';
import { type Clip, createClip } from '../../model/clip.js';
import type { WindowedBlocks } from '../../model/config.js';
import type { EmbedWeights } from '../../model/embed.js';
import type { ImageWeights } from '../../model/imageTower.js';
import { denseMap, regionFeatures } from '../../regions/features.js';
import { lossAndGradients } from '../../tensor/lossAndGradients.js';
import { mean, mul, type Pixels, sub, sum, type Tensor, type Tensor2D, tensor } from '../../tensor/tfjs.js';
import { leavesOf, restructure } from '../../tensor/trace/structure.js';
import { type AdamWSettings, type AdamWState, adamW, gradientLength, startAdamW } from '../../train/optimiser.js';
import type { TrainTask } from '../../train/task.js';

/** A block as far as it is trained. */
export type TrainedBlock = Omit<BlockWeights, 'q' | 'k'> & Partial<Pick<BlockWeights, 'q' | 'k'>>;

/** The weights that are trained; all others stay the teacher's. */
export interface TrainedParts {
  /** The last blocks. */
  readonly blocks: readonly TrainedBlock[];
  /** What comes before the blocks, where it is trained. */
  readonly stem?: EmbedWeights;
}

export interface ClipselfState {
  readonly weights: TrainedParts;
  readonly adamW: AdamWState<TrainedParts>;
}

export interface PartOptions {
  /** How many of the last blocks are trained; default all. */
  readonly layers?: number;
  /** Whether what comes before the blocks is trained as well. */
  readonly stem?: boolean;
}

export interface ClipselfTaskOptions extends PartOptions {
  /** Pictures a step, and the side of each in pixels. */
  readonly batch: number;
  readonly size: number;
  /** Windows of the student's attention; the teacher sees crops as it always did. */
  readonly windows?: WindowedBlocks;
  readonly adamW: AdamWSettings;
}

/** The image tower of a model. */
export type TeacherClip = Pick<Clip, 'config' | 'weights' | 'image'>;

/**
 * The parts of a tower that are trained, as they are.
 *
 * No gradient reaches queries and keys of the last block, whose attention is the identity. Where they lie in one matrix
 * with the values, as in OpenAI's towers, they decay with it all the same; EVA-02's are matrices of their own, which an
 * optimiser leaves alone: they are no part of what is trained. (EVA-02's class token, stored with three axes, would decay
 * in the published code, whose runs never train it; here no class token does.)
 */
export function trainedParts(
  { blocks, lnPost: _ln, projection: _map, projectionBias: _bias, ...stem }: ImageWeights,
  isEva: boolean,
  { layers = blocks.length, stem: withStem = false }: PartOptions,
): TrainedParts {
  const last = blocks.slice(-layers);
  const reached = last.map((block, i): TrainedBlock => {
    if (!isEva || i < last.length - 1) return block;
    const { q: _q, k: _k, ...rest } = block;
    return rest;
  });
  return { blocks: reached, ...(withStem && { stem }) };
}

/** A tower with trained parts in the place of its own. */
export function withParts(weights: ImageWeights, { blocks, stem }: TrainedParts): ImageWeights {
  const first = weights.blocks.length - blocks.length;
  return { ...weights, ...stem, blocks: weights.blocks.map((block, i) => ({ ...block, ...blocks[i - first] })) };
}

/**
 * How far the student's regions are from the teacher's crops: `1 - mean cos`. `enableGradients` first for its gradient.
 * @param student its image tower, as `withParts` makes it
 * @param pixels `[b, 3, size, size]`, normalised
 * @param weights of all patches in each region, `[regions, b * n]`; see `boxWeights`
 * @param crops the teacher's embeddings of the regions, at unit length, `[regions, e]`
 */
export function regionLoss(student: Pick<Clip, 'image'>, pixels: Pixels, weights: Tensor2D, crops: Tensor2D): Tensor {
  const features = regionFeatures(denseMap(student, pixels), weights);
  return sub(1, mean(sum(mul(features, crops), 1)));
}

/**
 * The training of a student that begins as its teacher; `enableGradients` first. A batch is pixels
 * `[batch, 3, size, size]`, the teacher's crops `[regions, 3, s, s]` and weights `[regions, batch * patches]`, with any
 * number of regions. Metrics beside the loss: `gradient`, the length of all gradients.
 * @param teacher stays as it is; its weights are constants of the graph
 */
export function clipselfTask(
  teacher: TeacherClip,
  { batch, size, windows, adamW: settings, ...parts }: ClipselfTaskOptions,
): TrainTask<ClipselfState> {
  const image = teacher.config.image!;
  const own = teacher.weights.image!;
  const patches = Math.floor(size / image.patch) ** 2;
  const config = { ...teacher.config, image: { ...image, ...(windows && { windows }) } };
  return {
    signature: [
      { shape: [batch, 3, size, size] },
      { shape: ['batch', 3, image.imageSize, image.imageSize] },
      { shape: ['batch', batch * patches] },
    ],
    start() {
      const weights = copied(trainedParts(own, image.eva !== undefined, parts));
      return { weights, adamW: startAdamW(weights) };
    },
    step(state, rate, pixels, crops, weights) {
      const taught = teacher.image(crops as Pixels).embedding;
      const { loss, gradients } = lossAndGradients(trained => {
        const student = createClip(config, { ...teacher.weights, image: withParts(own, trained) });
        return regionLoss(student, pixels as Pixels, weights as Tensor2D, taught);
      }, state.weights);
      const next = adamW(state.weights, gradients, state.adamW, rate, settings);
      return {
        state: { weights: next.weights, adamW: next.state },
        metrics: { loss, gradient: gradientLength(gradients) },
      };
    },
  };
}

/** Tensors of their own with the same values, whose end is no end of the originals. */
function copied(parts: TrainedParts): TrainedParts {
  const leaves = leavesOf(parts).map(({ tensor: given }) => tensor(given.dataSync().slice(), given.shape));
  return restructure(parts, leaves) as TrainedParts;
}
