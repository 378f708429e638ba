import { add, div, erf, mul, sigmoid, type Tensor } from '../tfjs.js';

/** An element-wise non-linearity between the two maps of a feed-forward layer. */
export type Activation = <T extends Tensor>(x: T) => T;

/** `x * sigmoid(1.702 x)`: OpenAI's approximation, used by its CLIP weights and models trained after them. */
export const quickGelu: Activation = x => mul(x, sigmoid(mul(x, 1.702)));

/**
 * `x/2 * (1 + erf(x / sqrt 2))`: the exact form (Hendrycks and Gimpel, arXiv 1606.08415), used by OpenCLIP's own. It
 * divides, because ONNX Runtime knows the function by that.
 */
export const gelu: Activation = x => mul(mul(x, 0.5), add(erf(div(x, Math.SQRT2)), 1));
