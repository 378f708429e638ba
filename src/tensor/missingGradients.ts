/** Gradients that TensorFlow.js lacks, or has for some shapes and axes only. */
import { backendUtil, type GradConfig, tfUtil } from './internals.js';
import {
  add,
  broadcastTo,
  cast,
  cumprod,
  cumsum,
  einsum,
  expandDims,
  gatherND,
  greaterEqual,
  less,
  lessEqual,
  mul,
  oneHot,
  pad,
  reshape,
  reverse,
  scatterND,
  slice,
  sub,
  sum,
  type Tensor,
  zeros,
} from './tfjs.js';

const nothing = ({ shape }: Tensor): Tensor => zeros(shape);

/** What decides, but does not count, passes nothing on: a comparison, or what is made of comparisons. */
const decision = (kernelName: string, inputsToSave: string[]): GradConfig => ({
  kernelName,
  inputsToSave,
  gradFunc: (_, saved) => Object.fromEntries(inputsToSave.map((name, i) => [name, () => nothing(saved[i]!)])),
});

const comparisons = 'Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr'.split(' ');

/** The gradient of an operation on two tensors that are broadcast, from its slopes. */
const ofTwo = (kernelName: string, slopeA: Slope, slopeB: Slope): GradConfig => ({
  kernelName,
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, saved) => {
    const [a, b] = saved as [Tensor, Tensor];
    const to = (x: Tensor, slope: Tensor) => summedTo(mul(dy as Tensor, cast(slope, 'float32')), x.shape);
    return { a: () => to(a, slopeA(a, b)), b: () => to(b, slopeB(a, b)) };
  },
});

type Slope = (a: Tensor, b: Tensor) => Tensor;

/** The sum over all that was repeated to make a shape larger. */
function summedTo(x: Tensor, shape: number[]): Tensor {
  const axes = backendUtil.getReductionAxes(shape, x.shape);
  return reshape(axes.length === 0 ? x : sum(x, axes), shape);
}

const cumsumGradient: GradConfig = {
  kernelName: 'Cumsum',
  gradFunc: (dy, _, attributes) => {
    const { axis, exclusive, reverse: backwards } = attributes as unknown as Scan;
    return { x: () => cumsum(dy as Tensor, axis, exclusive, !backwards) };
  },
};

interface Scan {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

/**
 * The product up to each place, without a division, so that factors may be 0. With `before` the product of the factors
 * before a place, its gradient is `before` times `total`, where `total[i] = dy[i] + x[i + 1] total[i + 1]`.
 */
const cumprodGradient: GradConfig = {
  kernelName: 'Cumprod',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attributes) => {
    const { axis: given, exclusive, reverse: backwards } = attributes as unknown as Scan;
    const [axis] = tfUtil.parseAxisParam(given, saved[0]!.shape) as [number];
    const turned = (y: Tensor) => (backwards ? reverse(y, axis) : y);
    return {
      x: () => {
        const x = turned(saved[0]!);
        const slopes = exclusive ? ahead(turned(dy as Tensor), axis, 1) : turned(dy as Tensor);
        return turned(mul(cumprod(x, axis, true), totals(x, slopes, axis)));
      },
    };
  },
};

/** In steps that double how far ahead is seen. */
function totals(x: Tensor, dy: Tensor, axis: number): Tensor {
  let total = dy;
  let factor = ahead(x, axis, 1);
  for (let by = 1; by < x.shape[axis]!; by *= 2) {
    total = add(total, mul(factor, ahead(total, axis, by)));
    factor = mul(factor, ahead(factor, axis, by));
  }
  return total;
}

/** What stands some places further along an axis; zeros come in. */
function ahead(x: Tensor, axis: number, by: number): Tensor {
  const moved = x.shape.map((_, i) => (i === axis ? by : 0));
  const rest = slice(
    x,
    moved,
    x.shape.map((size, i) => size - moved[i]!),
  );
  return pad(
    rest,
    moved.map(size => [0, size]),
  );
}

/** The gradient of each of the largest goes to where it was. */
const topKGradient: GradConfig = {
  kernelName: 'TopK',
  inputsToSave: ['x'],
  outputsToSave: [false, true],
  gradFunc: (dy, saved) => {
    const [values] = dy as unknown as Tensor[];
    const [x, indices] = saved as [Tensor, Tensor];
    return { x: () => sum(mul(expandDims(values!, -1), oneHot(indices, x.shape.at(-1)!)), -2) };
  },
};

const gatherNdGradient: GradConfig = {
  kernelName: 'GatherNd',
  inputsToSave: ['params', 'indices'],
  gradFunc: (dy, saved) => {
    const [params, indices] = saved as [Tensor, Tensor];
    return { params: () => scatterND(indices, dy as Tensor, params.shape), indices: () => nothing(indices) };
  },
};

const scatterNdGradient: GradConfig = {
  kernelName: 'ScatterNd',
  inputsToSave: ['indices'],
  gradFunc: (dy, saved) => {
    const [indices] = saved as [Tensor];
    return { updates: () => gatherND(dy as Tensor, indices), indices: () => nothing(indices) };
  },
};

/** The gradient with respect to one factor is the product of the result's with the other, over what the factor has not. */
const einsumGradient: GradConfig = {
  kernelName: 'Einsum',
  saveAllInputs: true,
  gradFunc: (dy, saved, attributes) => {
    const [terms, result] = (attributes.equation as string).replace(/\s/g, '').split('->') as [string, string];
    const letters = terms.split(',');
    return letters.map((own, i) => () => {
      const others = letters.flatMap((term, j) => (j === i ? [] : [{ letters: term, tensor: saved[j]! }]));
      const factors = [{ letters: result, tensor: dy as Tensor }, ...others];
      return contracted(factors, own, saved[i]!.shape);
    }) as never;
  },
};

interface Factor {
  readonly letters: string;
  readonly tensor: Tensor;
}

/** The product of factors, in a shape with some letters that none of them may have. */
function contracted(factors: readonly Factor[], own: string, shape: number[]): Tensor {
  const has = (letter: string) => factors.some(({ letters }) => letters.includes(letter));
  const kept = [...own].filter(has).join('');
  const summed = factors.map(factor => withoutOwn(factor, factors, kept));
  // An equation has no place for single numbers.
  const tables = summed.filter(({ letters }) => letters !== '');
  const equation = `${tables.map(({ letters }) => letters).join(',')}->${kept}`;
  const product = tables.length > 0 ? [einsum(equation, ...tables.map(({ tensor }) => tensor))] : [];
  const numbers = summed.filter(({ letters }) => letters === '').map(({ tensor }) => tensor);
  const all = [...product, ...numbers].reduce((a, b) => mul(a, b));
  return broadcastTo(
    reshape(
      all,
      shape.map((size, i) => (has(own[i]!) ? size : 1)),
    ),
    shape,
  );
}

/** A factor summed over what it alone has and the product has not: TensorFlow.js' product gives it another shape. */
function withoutOwn({ letters, tensor }: Factor, factors: readonly Factor[], kept: string): Factor {
  const isOwn = (letter: string) =>
    !kept.includes(letter) && factors.every(other => other.tensor === tensor || !other.letters.includes(letter));
  const axes = [...letters].flatMap((letter, axis) => (isOwn(letter) ? [axis] : []));
  if (axes.length === 0) return { letters, tensor };
  return { letters: [...letters].filter(letter => !isOwn(letter)).join(''), tensor: sum(tensor, axes) };
}

export const missingGradients: readonly GradConfig[] = [
  ...comparisons.map(name => decision(name, ['a', 'b'])),
  decision('LogicalNot', ['x']),
  ofTwo('Maximum', greaterEqual, less),
  ofTwo('Minimum', lessEqual, (a, b) => less(b, a)),
  ofTwo(
    'SquaredDifference',
    (a, b) => mul(sub(a, b), 2),
    (a, b) => mul(sub(b, a), 2),
  ),
  cumsumGradient,
  cumprodGradient,
  topKGradient,
  gatherNdGradient,
  scatterNdGradient,
  einsumGradient,
];
