import { backendUtil, type tfKernels } from '../../internals.js';
import type { Kernels, List } from './kernel.js';

export const einsums: Kernels = {
  Einsum: (g, list: List, { equation: written }: tfKernels.EinsumAttrs) => {
    const parts = Object.values(list);
    const equation = written.replace(/\s/g, '');
    const [terms, result] = equation.split('->') as [string, string];
    // Checks what the operator would not: one size for each letter.
    const { allDims, idDims } = backendUtil.decodeEinsumEquation(equation, parts.length);
    backendUtil.checkEinsumDimSizes(allDims.length, idDims, parts as never);
    const sizes = new Map<string, number>();
    terms.split(',').forEach((term, i) => {
      [...term].forEach((letter, axis) => {
        sizes.set(letter, parts[i]!.shape[axis]!);
      });
    });
    const shape = [...result].map(letter => sizes.get(letter)!);
    return g.op('Einsum', parts, parts[0]!.dtype, shape, { equation });
  },
};
