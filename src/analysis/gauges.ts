/**
 * What is measured of an intermediate inside the run, so that only sums over tokens or channels leave it: of a layer of
 * ViT-L/14, kilobytes in place of hundreds of megabytes.
 */
import type { Grid } from '../attention/attention.js';
import { unitLength } from '../tensor/ops/unitLength.js';
import {
  add,
  div,
  exp,
  log,
  max,
  maximum,
  mean,
  mul,
  neg,
  type Pattern,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tokens,
  tensor2d,
} from '../tensor/tfjs.js';
import { patchDistances } from './reduce/heads.js';

/** What some gauges know beside the intermediate. */
export interface GaugeContext {
  readonly grid: Grid;
  /** Takes tokens through the last normalisation and the projection. */
  project(tokens: Tokens): Tokens;
  /** Every token at the end of plain CLIP, projected, class token first. */
  readonly end: Tokens;
}

/** Tokens `[1, 1 + n, w]` without the class token. */
function patchesOf(x: Tensor): Tokens {
  const [b, n, w] = x.shape as [number, number, number];
  return slice(x as Tokens, [0, 1, 0], [b, n - 1, w]);
}

/** A gauge: values of one window by name. */
type Gauge = (x: Tensor, context: GaugeContext) => Readonly<Record<string, Tensor>>;

/** Every gauge by its name. */
export const gauges = {
  /** `norm`: the L2 norm of each patch, `[n]`. */
  norms: x => ({ norm: sqrt(sum(square(patchesOf(x)), -1)) }),

  /**
   * Parts of a softmax over all values of all patches, `[n]` each: of patch i the `largest` value, and about it `total =
   * sum(exp(x - largest))` and `weighted = sum(exp(x - largest) (x - largest))`. `entropyOf` puts them together.
   */
  evenness(x) {
    const patches = patchesOf(x);
    const largest = max(patches, -1, true);
    const below = sub(patches, largest);
    const weights = exp(below);
    return { largest: max(patches, -1), total: sum(weights, -1), weighted: sum(mul(weights, below), -1) };
  },

  /** Over the patches, of each channel `[w]`: its `sum`, the sum of its `squares`, its `highest` and `lowest` value. */
  channels(x) {
    const patches = patchesOf(x);
    return {
      sum: sum(patches, 1),
      squares: sum(square(patches), 1),
      highest: max(patches, 1),
      lowest: neg(max(neg(patches), 1)),
    };
  },

  /**
   * Between each projected token and the final feature of the class token, both at unit length, `[1 + n]`: the length
   * of what sets them `apart` and of what they have `together`. `angleOf` makes degrees of them.
   */
  angles(x, { project, end }) {
    const [b, , e] = end.shape;
    const final = unitLength(slice(end, [0, 0, 0], [b, 1, e]));
    const tokens = unitLength(project(x as Tokens));
    const length = (vectors: Tensor) => sqrt(sum(square(vectors), -1));
    return { apart: length(sub(tokens, final)), together: length(add(tokens, final)) };
  },

  /**
   * Of a pattern `[1, h, 1 + n, 1 + n]`, as means over the patches that look, `[h]` each. `distance`: how far they look in
   * patches, each patch weighted by the attention it gets (Dosovitskiy et al. 2021, appendix D.7); the class token has
   * no place, so its weight is left out and the rest brought to 1. `entropy`: of the whole row, over the logarithm of
   * its length. `classToken`: the attention that goes to the class token.
   */
  heads(x, { grid }) {
    const [b, h, tokens] = x.shape as [number, number, number];
    const n = tokens - 1;
    const rows = slice(x as Pattern, [0, 0, 1, 0], [b, h, n, tokens]);
    const patches = slice(rows, [0, 0, 0, 1], [b, h, n, n]);
    const total = sum(rows, -1);
    const onPatches = sum(patches, -1);
    const far = sum(mul(patches, tensor2d(Float32Array.from(patchDistances(grid)), [n, n])), -1);
    const logs = sum(mul(rows, log(maximum(rows, tiny))), -1);
    return {
      distance: mean(div(far, maximum(onPatches, tiny)), -1),
      entropy: mul(mean(sub(log(total), div(logs, total)), -1), 1 / Math.log(tokens)),
      classToken: mean(div(sub(total, onPatches), total), -1),
    };
  },
} as const satisfies Readonly<Record<string, Gauge>>;

/** A weight so small that it does not count, in place of 0 where that has no logarithm. */
const tiny = 1e-30;

/** The name of a gauge. */
export type GaugeName = keyof typeof gauges;
