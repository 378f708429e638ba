/** Operations along an axis, in order. */
import type { tfKernels } from '../../internals.js';
import {
  axisOf,
  cast,
  type Inputs,
  type Kernels,
  like,
  numbers,
  pad,
  type Recorder,
  reverse,
  slice,
  type Traced,
} from './kernel.js';

/** `x` moved on along an axis; ones come in. */
function delayed(g: Recorder, x: Traced, axis: number, by: number): Traced {
  const size = x.shape.map((all, i) => (i === axis ? all - by : all));
  const start = x.shape.map(() => 0);
  const sides = x.shape.map((_, i) => [i === axis ? by : 0, 0]);
  return pad(g, slice(g, x, start, size), sides, 1);
}

/**
 * The product of each element and those before it, in steps that double the number of factors: there is no operator
 * for it, and logarithms have no signs.
 */
function runningProduct(g: Recorder, x: Traced, axis: number): Traced {
  let product = x;
  for (let by = 1; by < x.shape[axis]!; by *= 2) product = like(g, 'Mul', product, [delayed(g, product, axis, by)]);
  return product;
}

export const scans: Kernels = {
  Cumsum: (g, { x }: Inputs<'x'>, attributes: tfKernels.CumsumAttrs) => {
    const terms = numbers(g, x);
    const axis = g.scalar(axisOf(attributes.axis, x), 'int32');
    const [exclusive, reverse] = [Number(attributes.exclusive), Number(attributes.reverse)];
    return g.op('CumSum', [terms, axis], terms.dtype, x.shape, { exclusive, reverse });
  },
  Cumprod: (g, { x }: Inputs<'x'>, { axis: given, exclusive, reverse: backwards }: tfKernels.CumprodAttrs) => {
    const axis = axisOf(given, x);
    const turn = (y: Traced) => (backwards ? reverse(g, y, [axis]) : y);
    const factors = turn(numbers(g, x));
    return turn(runningProduct(g, exclusive ? delayed(g, factors, axis, 1) : factors, axis));
  },
  TopK: (g, { x }: Inputs<'x'>, { k }: tfKernels.TopKAttrs) => {
    const shape = [...x.shape.slice(0, -1), k];
    const outputs = [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ] as const;
    const [values, indices] = g.ops('TopK', [x, g.ints([k])], outputs, { axis: -1 });
    return [values!, cast(g, indices!, 'int32')];
  },
};
