import type { tfKernels } from '../../internals.js';
import { activate } from './activation.js';
import { binary, broadcastShape, type Inputs, type Kernels, type Recorder, type Traced, transpose } from './kernel.js';

/** `[..., rows, columns] -> [..., columns, rows]`. */
function turned(g: Recorder, x: Traced): Traced {
  const last = x.shape.length - 1;
  const perm = x.shape.map((_, axis) => axis);
  return transpose(g, x, [...perm.slice(0, -2), last, last - 1]);
}

/** A product of matrices, in a batch over all but the last two axes. */
function matMul(g: Recorder, a: Traced, b: Traced, transposeA: boolean, transposeB: boolean): Traced {
  const left = transposeA ? turned(g, a) : a;
  const right = transposeB ? turned(g, b) : b;
  const [inner, other] = [left.shape.at(-1), right.shape.at(-2)];
  if (inner !== other) throw new Error(`the inner sizes are ${inner} and ${other}, and must be the same`);
  const batch = ({ shape }: Traced) => ({ shape: shape.slice(0, -2) });
  const shape = [...broadcastShape(batch(left), batch(right)), left.shape.at(-2)!, right.shape.at(-1)!];
  return g.op('MatMul', [left, right], a.dtype, shape);
}

/** `x W + b` over the last axis of `x`. A later pass chooses the operator. */
function linear(g: Recorder, x: Traced, weight: Traced, bias?: Traced): Traced {
  if (bias) checkWidth('bias', bias, weight.shape[1]!);
  return g.op('Linear', [x, weight, bias], x.dtype, [...x.shape.slice(0, -1), weight.shape[1]!]);
}

export const products: Kernels = {
  BatchMatMul: (g, { a, b }: Inputs<'a' | 'b'>, { transposeA, transposeB }: tfKernels.BatchMatMulAttrs) =>
    matMul(g, a, b, transposeA, transposeB),
  _FusedMatMul: (
    g,
    { a, b, bias, preluActivationWeights }: Inputs<'a' | 'b', 'bias' | 'preluActivationWeights'>,
    { transposeA, transposeB, ...fused }: tfKernels._FusedMatMulAttrs,
  ) => {
    const product = matMul(g, a, b, transposeA, transposeB);
    return activate(g, bias ? binary(g, 'Add', product, bias) : product, fused, preluActivationWeights);
  },
};

/** Operations of this house that are one node in a graph: see `composite.ts`. */
export const composites: Kernels = {
  Linear: (g, { x, weight, bias }: Inputs<'x' | 'weight', 'bias'>) => linear(g, x, weight, bias),
  LayerNorm: (g, { x, weight, bias }: Inputs<'x' | 'weight' | 'bias'>, { epsilon }: { epsilon: number }) => {
    checkWidth('weight', weight, x.shape.at(-1)!);
    checkWidth('bias', bias, x.shape.at(-1)!);
    return g.op('LayerNormalization', [x, weight, bias], x.dtype, x.shape, { axis: -1, epsilon: { float: epsilon } });
  },
};

function checkWidth(what: string, { shape }: Traced, width: number): void {
  if (shape.length !== 1 || shape[0] !== width) throw new Error(`expected a ${what} [${width}], got [${shape}]`);
}
