import { fill } from './create.js';
import { type Inputs, type Kernel, type Kernels, refuse, reshape, throughFloat } from './kernel.js';
import { addRows } from './scatter.js';
import { channelsBack, channelsFirst, poolWindow, type WindowAttributes, windowAttributes } from './window.js';

type PoolAttributes = WindowAttributes & { filterSize: [number, number] | number };

const pool = (op: string): Kernel =>
  ((g, { x }: Inputs<'x'>, a: PoolAttributes) => {
    const window = poolWindow(x.shape, a);
    const first = channelsFirst(g, x);
    const shape = [...first.shape.slice(0, 2), ...window.output];
    const attributes = { ...windowAttributes(window), kernel_shape: [...window.kernel] };
    const pooled = throughFloat(g, [first], y => g.op(op, [y], 'float32', shape, attributes));
    return channelsBack(g, pooled);
  }) satisfies Kernel;

export const pools: Kernels = {
  MaxPool: pool('MaxPool'),
  AvgPool: pool('AveragePool'),
  /** The gradient of each output goes to the first of its largest inputs. */
  MaxPoolGrad: (g, { dy, input: x }: Inputs<'dy' | 'input'>, a: PoolAttributes) => {
    const window = poolWindow(x.shape, a);
    if (window.output.some((size, axis) => size !== dy.shape[axis + 1])) {
      refuse("the function takes the gradient of a 'MaxPool' with dimRoundingMode");
    }
    const first = channelsFirst(g, x);
    const [batch, channels] = first.shape as [number, number];
    const shape = [batch, channels, ...window.output];
    const attributes = { ...windowAttributes(window), kernel_shape: [...window.kernel] };
    const outputs = [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ] as const;
    const [, places] = g.ops('MaxPool', [first], outputs, attributes);
    const count = shape.reduce((product, size) => product * size, 1);
    const size = first.shape.reduce((product, axis) => product * axis, 1);
    const updates = reshape(g, channelsFirst(g, dy), [count, 1]);
    const sums = addRows(g, size, reshape(g, places!, [count]), updates);
    return channelsBack(g, reshape(g, sums, first.shape));
  },
  /** The gradient of each output, shared out evenly over its whole window, be some of it over the edge. */
  AvgPoolGrad: (g, { dy, input: x }: Inputs<'dy' | 'input'>, a: PoolAttributes) => {
    const window = poolWindow(x.shape, a);
    const [rows, columns] = window.kernel;
    const first = channelsFirst(g, dy);
    const [batch, channels] = first.shape as [number, number];
    const apart = reshape(g, first, [batch * channels, 1, ...window.output]);
    const share = fill(g, [1, 1, rows, columns], 1 / (rows * columns), 'float32');
    const attributes = { ...windowAttributes(window), output_padding: [...window.rest] };
    const shape = [batch * channels, 1, ...window.input];
    const spread = g.op('ConvTranspose', [apart, share], 'float32', shape, attributes);
    return channelsBack(g, reshape(g, spread, [batch, channels, ...window.input]));
  },
};
