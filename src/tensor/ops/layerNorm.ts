import { composite } from '../composite.js';
import { add, mean, mul, type Norm, rsqrt, square, sub, type Tensor } from '../tfjs.js';

/**
 * `(x - mean) / sqrt(variance + epsilon) * weight + bias` over the last axis, with the biased variance
 * (Ba, Kiros and Hinton, arXiv 1607.06450). Any shape `[..., width]`; epsilon is 1e-5 in every CLIP.
 */
export function layerNorm<T extends Tensor>(x: T, { weight, bias }: Norm, epsilon = 1e-5): T {
  return composite('LayerNorm', { x, weight, bias }, { epsilon }, () => {
    const centred = sub(x, mean(x, -1, true)); // [..., width]
    const variance = mean(square(centred), -1, true); // [..., 1]
    const unit = mul(centred, rsqrt(add(variance, epsilon)));
    return add(mul(unit, weight), bias) as T;
  });
}
