/** AdamW and the clipping of gradients, written for a graph: every function gives new tensors for those it takes. */
import { add, div, minimum, mul, scalar, sqrt, square, sub, sum, type Tensor, zeros } from '../tensor/tfjs.js';
import { leavesOf, restructure, type Structure } from '../tensor/trace/structure.js';

/** What AdamW is told beside the learning rate. */
export interface AdamWSettings {
  /** Decay of the mean of gradients. */
  readonly beta1: number;
  /** Decay of the mean of their squares. */
  readonly beta2: number;
  /** Added to the root of that mean. */
  readonly epsilon: number;
  /** Share of a weight that a step takes away, times the learning rate; see `decays`. */
  readonly decay: number;
  /** Factors of the learning rate for parts of the weights, by the key under which each lies; default 1. */
  readonly factors?: Readonly<Record<string, number>>;
}

/** What AdamW keeps from step to step beside the weights `W`. */
export interface AdamWState<W> {
  /**
   * Gradients so far, each `beta1` times the weight of the next: `1 / (1 - beta1)` of their running mean, which a step
   * scales as one number where it would otherwise scale every gradient.
   */
  readonly first: W;
  /** Their squares, likewise. */
  readonly second: W;
  /** What those have gathered so far of a whole mean: `1 - beta^steps` for each. */
  readonly gathered: { readonly first: Tensor; readonly second: Tensor };
}

/** The state before the first step, for weights of this structure. */
export function startAdamW<W extends Structure>(weights: W): AdamWState<W> {
  const still = () =>
    restructure(
      weights,
      leavesOf(weights).map(({ tensor }) => zeros(tensor.shape)),
    ) as W;
  return { first: still(), second: still(), gathered: { first: scalar(0), second: scalar(0) } };
}

/**
 * Whether a weight decays. Matrices and tables do; biases, normalisations, the class token and the logit scale, which
 * have fewer than two axes, do not (OpenCLIP, `open_clip_train/main.py`).
 */
export const decays = (weight: Tensor): boolean => weight.rank >= 2;

/**
 * One step of AdamW (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2, as PyTorch writes it: the learning rate also
 * scales the decay).
 * @param rate the learning rate, a scalar
 */
export function adamW<W extends Structure>(
  weights: W,
  gradients: W,
  state: AdamWState<W>,
  rate: Tensor,
  { beta1, beta2, epsilon, decay, factors = {} }: AdamWSettings,
): { weights: W; state: AdamWState<W> } {
  const gathered = {
    first: add(mul(state.gathered.first, beta1), 1 - beta1),
    second: add(mul(state.gathered.second, beta2), 1 - beta2),
  };
  const [w, g, m, v] = [weights, gradients, state.first, state.second].map(tensorsOf) as [Tensor[], ...Tensor[][]];
  const first = w.map((_, i) => add(mul(m![i]!, beta1), g![i]!));
  const second = w.map((_, i) => add(mul(v![i]!, beta2), square(g![i]!)));
  // The root of the mean of squares is that of their sum times `root`, by which all is divided.
  const root = sqrt(div(1 - beta2, gathered.second));
  const least = div(epsilon, root);
  const mean = div(1 - beta1, mul(gathered.first, root));
  const pace = (factor: number) => {
    const own = mul(rate, factor);
    return { size: mul(own, mean), kept: sub(1, mul(own, decay)) };
  };
  const common = pace(1);
  const paces = new Map(Object.entries(factors).map(([key, factor]) => [key, pace(factor)]));
  const next = leavesOf(weights).map(({ path, tensor }, i) => {
    const { size, kept } = paces.get(path[0]!) ?? common;
    const deviation = add(sqrt(second[i]!), least);
    return sub(decays(tensor) ? mul(tensor, kept) : tensor, mul(div(first[i]!, deviation), size));
  });
  const like = (leaves: Tensor[]) => restructure(weights, leaves) as W;
  return { weights: like(next), state: { first: like(first), second: like(second), gathered } };
}

const tensorsOf = (structure: Structure): Tensor[] => leavesOf(structure).map(({ tensor }) => tensor);

/** The length of all gradients together, a scalar. */
export const gradientLength = (gradients: Structure): Tensor =>
  sqrt(
    tensorsOf(gradients)
      .map(leaf => sum(square(leaf)))
      .reduce((a, b) => add(a, b)),
  );

/**
 * Scales gradients so that the length of all of them together is at most `most` (Pascanu et al., arXiv 1211.5063);
 * as `torch.nn.utils.clip_grad_norm_`, which adds 1e-6 to the length it divides by.
 * @returns them, and their length before
 */
export function clipGradients<W extends Structure>(gradients: W, most: number): { gradients: W; norm: Tensor } {
  const norm = gradientLength(gradients);
  const factor = minimum(div(most, add(norm, 1e-6)), 1);
  const scaled = tensorsOf(gradients).map(leaf => mul(leaf, factor));
  return { gradients: restructure(gradients, scaled) as W, norm };
}
