/** Every tensor operation that can be recorded, by TensorFlow.js' name of its kernel. */
import { activations } from './activation.js';
import { convolutions } from './convolution.js';
import { creations } from './create.js';
import { einsums } from './einsum.js';
import { elementwise } from './elementwise.js';
import { gathers } from './gather.js';
import type { Kernels } from './kernel.js';
import { composites, products } from './matmul.js';
import { normalisations } from './normalise.js';
import { pools } from './pool.js';
import { reductions } from './reduce.js';
import { resizes } from './resize.js';
import { scans } from './scan.js';
import { scatters } from './scatter.js';
import { shapes } from './shape.js';

export const kernels: Kernels = {
  ...creations,
  ...elementwise,
  ...activations,
  ...reductions,
  ...scans,
  ...shapes,
  ...products,
  ...composites,
  ...einsums,
  ...gathers,
  ...scatters,
  ...convolutions,
  ...pools,
  ...resizes,
  ...normalisations,
};
