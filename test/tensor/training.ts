/** Optimisers and a small vision transformer, for tests of training steps. */
import type { BlockWeights } from '../../src/model/block.js';
import type { ImageConfig } from '../../src/model/config.js';
import type { ImageWeights } from '../../src/model/imageTower.js';
import { add, div, mul, sqrt, square, sub, type Tensor, tensor } from '../../src/tensor/tfjs.js';
import { leavesOf, restructure, type Structure } from '../../src/tensor/trace/structure.js';

/** Applies `f` to the tensors in the same places of several structures, and gives one for each of its results. */
export function together<W extends Structure>(structures: readonly W[], f: (...parts: Tensor[]) => Tensor[]): W[] {
  const parts = structures.map(structure => leavesOf(structure).map(({ tensor }) => tensor));
  const made = parts[0]!.map((_, i) => f(...parts.map(leaves => leaves[i]!)));
  return made[0]!.map(
    (_, which) =>
      restructure(
        structures[0],
        made.map(results => results[which]),
      ) as W,
  );
}

/** Stochastic gradient descent with momentum (Sutskever et al. 2013, as PyTorch writes it). */
export function sgd<W extends Structure>(
  weights: W,
  momentum: W,
  gradients: W,
  rate: number,
): [weights: W, momentum: W] {
  return together([weights, momentum, gradients], (w, m, g) => {
    const speed = add(mul(m!, 0.9), g!);
    return [sub(w!, mul(speed, rate)), speed];
  }) as [W, W];
}

export interface AdamState<W> {
  weights: W;
  first: W;
  second: W;
  /** `[beta1 ^ steps, beta2 ^ steps]`. */
  decays: readonly [Tensor, Tensor];
}

/** AdamW (Loshchilov and Hutter, arXiv 1711.05101). */
export function adamW<W extends Structure>(state: AdamState<W>, gradients: W, rate: number): AdamState<W> {
  const [beta1, beta2] = [0.9, 0.98];
  const decays = [mul(state.decays[0], beta1), mul(state.decays[1], beta2)] as const;
  const [weights, first, second] = together([state.weights, state.first, state.second, gradients], (w, m, v, g) => {
    const mean = add(mul(m!, beta1), mul(g!, 1 - beta1));
    const power = add(mul(v!, beta2), mul(square(g!), 1 - beta2));
    const direction = div(div(mean, sub(1, decays[0])), add(sqrt(div(power, sub(1, decays[1]))), 1e-5));
    return [sub(mul(w!, 1 - rate * 0.1), mul(direction, rate)), mean, power];
  }) as [W, W, W];
  return { weights, first, second, decays };
}

/** Numbers without pattern between -1 and 1, the same each time. */
export function noise(shape: readonly number[], seed: number, scale = 1): Tensor {
  const size = shape.reduce((product, axis) => product * axis, 1);
  let bits = seed + 1;
  const data = Float32Array.from({ length: size }, () => {
    bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (scale * (bits >> 8)) / 2 ** 23;
  });
  return tensor(data, [...shape]);
}

export const narrowConfig: ImageConfig = {
  width: 16,
  layers: 12,
  heads: 2,
  mlpWidth: 32,
  patch: 4,
  imageSize: 12,
  activation: 'quick_gelu',
  layerNormEpsilon: 1e-5,
};

/** Random weights of an image tower of those sizes. */
export function narrowWeights({ width, layers, mlpWidth, patch, imageSize }: ImageConfig, embedding: number) {
  let seed = 0;
  const make = (shape: number[], scale: number) => noise(shape, seed++, scale) as never;
  const linear = (from: number, to: number) => ({
    weight: make([from, to], 1.5 / Math.sqrt(from)),
    bias: make([to], 0.1),
  });
  const norm = () => ({ weight: add(make([width], 0.2), 1) as never, bias: make([width], 0.1) });
  const block = (): BlockWeights => ({
    ln1: norm(),
    q: linear(width, width),
    k: linear(width, width),
    v: linear(width, width),
    out: linear(width, width),
    ln2: norm(),
    fc1: linear(width, mlpWidth),
    fc2: linear(mlpWidth, width),
  });
  const weights: ImageWeights = {
    patch: make([3 * patch * patch, width], 0.2),
    classToken: make([width], 1),
    positions: make([1 + (imageSize / patch) ** 2, width], 0.3),
    lnPre: norm(),
    blocks: Array.from({ length: layers }, block),
    lnPost: norm(),
    projection: make([width, embedding], 0.5),
  };
  return weights;
}
