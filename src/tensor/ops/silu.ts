import { mul, sigmoid } from '../tfjs.js';
import type { Activation } from './gelu.js';

/** `x * sigmoid(x)` (Hendrycks and Gimpel, arXiv 1606.08415; also called swish): what SwiGLU gates with. */
export const silu: Activation = x => mul(x, sigmoid(x));
