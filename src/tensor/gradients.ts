import { registerAllGradients } from './allGradients.js';
import { type GradConfig, registerGradient, tfUtil } from './internals.js';
import { missingGradients } from './missingGradients.js';
import { broadcastTo, div, reshape, sum, type Tensor } from './tfjs.js';

/**
 * Registers the gradients of all of TensorFlow.js' operations, which its core leaves out, and those that are missing
 * there (see `missingGradients.ts`). Their table is one for the whole process, so one call serves every engine; the 200
 * modules are loaded only here.
 */
export function enableGradients(): void {
  registerAllGradients();
  for (const gradient of [tileGradient, sumGradient, meanGradient, ...missingGradients]) registerGradient(gradient);
}

/**
 * The gradient of copies is their sum. TensorFlow.js' own adds up slices one by one, as many as there are copies, so
 * that a graph would be another for every batch.
 */
const tileGradient: GradConfig = {
  kernelName: 'Tile',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attributes) => {
    const { shape } = saved[0]!;
    const reps = attributes.reps as number[];
    const apart: number[] = []; // each repeated axis as [copies, size]
    const copies: number[] = [];
    shape.forEach((size, axis) => {
      if (reps[axis] !== 1) copies.push(apart.push(reps[axis]!) - 1);
      apart.push(size);
    });
    return { x: () => sum(reshape(dy as Tensor, apart), copies) };
  },
};

/**
 * The gradient of a sum is itself, everywhere. TensorFlow.js' own multiplies it by ones, of which it makes as many as
 * there were elements, here while a function is recorded and in the graph whenever it runs.
 */
const sumGradient: GradConfig = {
  kernelName: 'Sum',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attributes) => ({ x: () => spread(dy as Tensor, saved[0]!, attributes.axis as Axes) }),
};

/** That of a mean, likewise, is divided by the number of elements. */
const meanGradient: GradConfig = {
  kernelName: 'Mean',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attributes) => {
    const x = saved[0]!;
    const axes = attributes.axis as Axes;
    const share = () => div<Tensor>(dy as Tensor, x.size / tfUtil.sizeFromShape((dy as Tensor).shape));
    return { x: () => spread(share(), x, axes) };
  },
};

type Axes = number | number[];

/** What was reduced over some axes of `x`, repeated along them. */
function spread(reduced: Tensor, { shape }: Tensor, axes: Axes): Tensor {
  const over = new Set(tfUtil.parseAxisParam(axes, shape));
  const kept = shape.map((size, axis) => (over.has(axis) ? 1 : size));
  return broadcastTo(reshape(reduced, kept), shape);
}
