/** The features of an image's patches for reading regions, and those of regions. */
import { identity } from '../attention/identity.js';
import { InputError } from '../errors.js';
import type { Clip, ImageOptions } from '../model/clip.js';
import type { Variant } from '../model/imageTower.js';
import { unitLength } from '../tensor/ops/unitLength.js';
import {
  add,
  matMul,
  mul,
  type Pixels,
  reshape,
  rsqrt,
  slice,
  square,
  sum,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from '../tensor/tfjs.js';

export interface DenseMapOptions extends Pick<ImageOptions, 'blocks'> {
  /** How the last blocks are done; default: the last one without mixing tokens, as CLIPSelf trains and reads it. */
  readonly last?: Variant;
}

/**
 * The feature of every patch at unit length, without the class token: `[b, n, e]`. As CLIPSelf has it, the last block's
 * attention gives each token its own value, its residual and feed-forward layer stay, and stored positions meet the
 * grid bicubically.
 *
 * @param pixels `[b, 3, height, width]`, normalised; also not square.
 * @throws InputError as `clip.image` does.
 */
export function denseMap(
  clip: Pick<Clip, 'image'>,
  pixels: Pixels,
  { last = { attention: identity }, ...options }: DenseMapOptions = {},
): Tensor3D {
  return tidy(() => {
    const { tokens } = clip.image(pixels, { ...options, positions: 'exact', last });
    return unitLength(slice(tokens, [0, 1, 0], [-1, -1, -1]) as Tensor3D);
  });
}

/**
 * The features of regions, at unit length: `[regions, e]`. A region of no weights at all stays zero, in its gradient too.
 *
 * @param map `[b, n, e]`, as `denseMap` gives it.
 * @param weights `[regions, b * n]`, rows of `boxWeights` or `maskWeights` at the patches of their image, zero elsewhere.
 * @throws InputError when the weights are not of the map's patches.
 */
export function regionFeatures(map: Tensor3D, weights: Tensor2D): Tensor2D {
  const [b, n, e] = map.shape;
  if (weights.rank !== 2 || weights.shape[1] !== b * n) {
    throw new InputError(
      `regionFeatures: expected weights [regions, ${b * n}] over ${b} x ${n} patches, got [${weights.shape}]`,
    );
  }
  return tidy(() => {
    const pooled = matMul(weights, reshape<Tensor2D>(map, [b * n, e])); // [regions, e]
    // Under the root, unlike in `unitLength`: a length has no gradient at 0.
    return mul<Tensor2D>(pooled, rsqrt(add(sum(square(pooled), -1, true), 1e-12)));
  });
}
