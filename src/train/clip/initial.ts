/** The weights of a CLIP before training, from a seed: the same on every machine. */
import { InputError } from '../../errors.js';
import type { BlockWeights } from '../../model/block.js';
import type { ClipConfig, ImageConfig, TextConfig, TowerConfig } from '../../model/config.js';
import type { ImageWeights } from '../../model/imageTower.js';
import type { TextWeights } from '../../model/textTower.js';
import { nextFraction, type RandomState, randomStream } from '../../scenes/random.js';
import { ones, scalar, type Tensor, type Tensor1D, type Tensor2D, tensor, zeros } from '../../tensor/tfjs.js';
import { sinePositions } from './sinePositions.js';

/** The weights of both towers and the logarithm of the logit scale, all of them tensors to train. */
export interface TrainedWeights {
  readonly image: ImageWeights;
  readonly text: TextWeights;
  readonly logitScale: Tensor;
}

export interface InitialOptions {
  readonly seed: number;
  /**
   * Positions of the image tower. `random`, the default, are OpenAI's: small beside the patches they are added to.
   * `sine` begins as two-dimensional sines as large as these, so that a tower need not first find out what is where.
   */
  readonly positions?: 'random' | 'sine';
}

/** CLIP's first factor of cosines (Radford et al. 2021, section 2.5). */
const firstScale = 1 / 0.07;

/** Standard deviations of the token table and of the text's positions. */
const [tableDeviation, textPositionDeviation] = [0.02, 0.01];

/**
 * Weights by OpenAI's rules (`clip/model.py`): normal numbers whose deviation follows from the width `w` and the number
 * of blocks `l`: `w^-1/2` for queries, keys, values, projections, class token and positions, `(2w)^-1/2` for the first
 * and `(2lw)^-1/2` for the second map of each residual branch, 0.02 for tokens and 0.01 for the text's positions; biases 0.
 * OpenAI leaves the image tower's maps to PyTorch's defaults; here both towers follow the rule, as in Hugging Face's
 * code. The patch map has the variance of PyTorch's convolutions, a third of one over the values in a patch.
 * @throws InputError for a config that lacks a tower
 */
export function initialWeights({ image, text, embedding }: ClipConfig, options: InitialOptions): TrainedWeights {
  if (!image || !text) throw new InputError('initialWeights: expected a config with an image and a text tower');
  let tensors = 0;
  // A stream of its own for each tensor, so that no tensor's size matters to another.
  const normal: Normal = (shape, deviation) => normalTensor(randomStream(options.seed, tensors++), shape, deviation);
  return {
    image: imageWeights(image, embedding, normal, options.positions ?? 'random'),
    text: textWeights(text, embedding, normal),
    logitScale: scalar(Math.log(firstScale)),
  };
}

type Normal = <T extends Tensor>(shape: number[], deviation: number) => T;

function imageWeights(config: ImageConfig, embedding: number, normal: Normal, positions: 'random' | 'sine') {
  const { width, patch, imageSize, layers } = config;
  const [values, deviation] = [3 * patch * patch, 1 / Math.sqrt(width)];
  const side = Math.floor(imageSize / patch);
  const weights: ImageWeights = {
    patch: normal([values, width], 1 / Math.sqrt(3 * values)),
    classToken: normal([width], deviation),
    positions:
      positions === 'sine' ? sinePositions(side, width, Math.sqrt(1 / 3)) : normal([1 + side * side, width], deviation),
    lnPre: norm(width),
    blocks: Array.from({ length: layers }, () => blockWeights(config, normal)),
    lnPost: norm(width),
    projection: normal([width, embedding], deviation),
  };
  return weights;
}

function textWeights(config: TextConfig, embedding: number, normal: Normal): TextWeights {
  const { width, layers, context, vocabulary } = config;
  return {
    table: normal([vocabulary, width], tableDeviation),
    positions: normal([context, width], textPositionDeviation),
    blocks: Array.from({ length: layers }, () => blockWeights(config, normal)),
    lnFinal: norm(width),
    projection: normal([width, embedding], 1 / Math.sqrt(width)),
  };
}

function blockWeights({ width, mlpWidth, layers }: TowerConfig, normal: Normal): BlockWeights {
  const linear = (inputs: number, outputs: number, deviation: number) => ({
    weight: normal<Tensor2D>([inputs, outputs], deviation),
    bias: zeros([outputs]) as Tensor1D,
  });
  const [attention, branchEnd] = [1 / Math.sqrt(width), 1 / Math.sqrt(2 * layers * width)];
  return {
    ln1: norm(width),
    q: linear(width, width, attention),
    k: linear(width, width, attention),
    v: linear(width, width, attention),
    out: linear(width, width, branchEnd),
    ln2: norm(width),
    fc1: linear(width, mlpWidth, 1 / Math.sqrt(2 * width)),
    fc2: linear(mlpWidth, width, branchEnd),
  };
}

const norm = (width: number) => ({ weight: ones([width]) as Tensor1D, bias: zeros([width]) as Tensor1D });

/**
 * Nearly normal numbers, by twelve uniform ones added up: their variance is 1, and sums, unlike logarithms and cosines,
 * come out the same on every engine.
 */
function normalTensor<T extends Tensor>(state: RandomState, shape: number[], deviation: number): T {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < values.length; i++) {
    let total = -6;
    for (let j = 0; j < 12; j++) total += nextFraction(state);
    values[i] = deviation * total;
  }
  return tensor(values, shape) as T;
}
