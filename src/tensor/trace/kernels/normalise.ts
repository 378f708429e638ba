import type { tfKernels } from '../../internals.js';
import { binary, type Inputs, type Kernels, like } from './kernel.js';

export const normalisations: Kernels = {
  /** `(x - mean) scale / sqrt(variance + epsilon) + offset`, over the last axis or element by element. */
  FusedBatchNorm: (
    g,
    { x, mean, variance, scale, offset }: Inputs<'x' | 'mean' | 'variance', 'scale' | 'offset'>,
    { varianceEpsilon }: tfKernels.FusedBatchNormAttrs,
  ) => {
    const spread = like(g, 'Sqrt', like(g, 'Add', variance, [g.scalar(varianceEpsilon ?? 1e-3, 'float32')]));
    const gain = scale ? binary(g, 'Div', scale, spread) : like(g, 'Reciprocal', spread);
    const scaled = binary(g, 'Mul', binary(g, 'Sub', x, mean), gain);
    return offset ? binary(g, 'Add', scaled, offset) : scaled;
  },
};
