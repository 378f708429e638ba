import { composite } from '../composite.js';
import { fused, type Linear, matMul, reshape, type Tensor, type Tensor2D } from '../tfjs.js';

/**
 * `y = x W + b` over the last axis: `[..., in] -> [..., out]`, `W` as `[in, out]`.
 *
 * All leading axes are flattened into one first: engines multiply two plain matrices ten times faster than the same
 * numbers as a batch (tfjs-wasm reaches XNNPACK only that way).
 *
 * @throws Error when the last axis of `x` is not `in`.
 */
export function linear<T extends Tensor>(x: T, { weight, bias }: Linear): T {
  const [inputs, outputs] = weight.shape;
  const width = x.shape.at(-1);
  if (width !== inputs) throw new Error(`linear: expected [..., ${inputs}], got [${x.shape}]`);
  return composite('Linear', { x, weight, ...(bias && { bias }) }, {}, () => {
    const rows = reshape<Tensor2D>(x, [x.size / inputs, inputs]);
    const y = bias ? fused.matMul({ a: rows, b: weight, bias }) : matMul(rows, weight);
    return reshape(y, [...x.shape.slice(0, -1), outputs]) as T;
  });
}
