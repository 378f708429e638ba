import { div, maximum, sqrt, square, sum, type Tensor } from '../tfjs.js';

/** `x / max(|x|, epsilon)` along the last axis, as `torch.nn.functional.normalize` does it. */
export function unitLength<T extends Tensor>(x: T, epsilon = 1e-12): T {
  const length = sqrt(sum(square(x), -1, true)); // [..., 1]
  return div(x, maximum(length, epsilon)) as T;
}
