import type { tfKernels } from '../../internals.js';
import {
  axesOf,
  axisOf,
  cast,
  type Inputs,
  type Kernel,
  type Kernels,
  numbers,
  type Recorder,
  type Traced,
} from './kernel.js';

interface ReduceAttributes {
  axis?: number | number[];
  /** What `Max` calls its axes. */
  reductionIndices?: number | number[];
  keepDims?: boolean;
}

/** A shape without the reduced axes, or with size 1 in their place. */
function reducedShape({ shape }: Traced, axes: readonly number[], keepDims: boolean): number[] {
  if (keepDims) return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return shape.filter((_, axis) => !axes.includes(axis));
}

function reduce(g: Recorder, op: string, x: Traced, attributes: ReduceAttributes): Traced {
  const { axis, reductionIndices, keepDims = false } = attributes;
  const axes = axesOf(axis ?? reductionIndices, x);
  if (axes.length === 0) return x;
  const shape = reducedShape(x, axes, keepDims);
  return g.op(op, [x, g.ints(axes)], x.dtype, shape, { keepdims: Number(keepDims) });
}

const reduction = (op: string): Kernel =>
  ((g, { x }: Inputs<'x'>, attributes: ReduceAttributes) => reduce(g, op, numbers(g, x), attributes)) satisfies Kernel;

/** Whether all or any of the elements are true: the least or the largest of them as numbers. */
const logical = (op: string): Kernel =>
  ((g, { x }: Inputs<'x'>, attributes: ReduceAttributes) =>
    cast(g, reduce(g, op, cast(g, x, 'int32'), attributes), 'bool')) satisfies Kernel;

const arg = (op: string): Kernel =>
  ((g, { x }: Inputs<'x'>, attributes: tfKernels.ArgMaxAttrs) => {
    const axis = axisOf(attributes.axis, x);
    const index = g.op(op, [numbers(g, x)], 'int64', reducedShape(x, [axis], false), { axis, keepdims: 0 });
    return cast(g, index, 'int32');
  }) satisfies Kernel;

export const reductions: Kernels = {
  Sum: reduction('ReduceSum'),
  Mean: (g, { x }: Inputs<'x'>, attributes: ReduceAttributes) =>
    reduce(g, 'ReduceMean', cast(g, x, 'float32'), attributes),
  Max: reduction('ReduceMax'),
  Min: reduction('ReduceMin'),
  Prod: reduction('ReduceProd'),
  All: logical('ReduceMin'),
  Any: logical('ReduceMax'),
  ArgMax: arg('ArgMax'),
  ArgMin: arg('ArgMin'),
  Softmax: (g, { logits: x }: Inputs<'logits'>, { dim }: tfKernels.SoftmaxAttrs) =>
    g.op('Softmax', [x], x.dtype, x.shape, { axis: axisOf(dim, x) }),
};
