import * as tf from '@tensorflow/tfjs-core';
import { apart, away, flags, given, type Input, type Row, real, type Section, whole } from './row.js';

type Reduction = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor;

/** A reduction over one axis, several, the last as size 1, and all. */
const everyWay = (op: string, f: Reduction, input: () => Input, gradient = true): Row[] => [
  { op, inputs: [input()], run: (x: tf.Tensor) => f(x, 1), gradient },
  { op, inputs: [input()], run: (x: tf.Tensor) => f(x, [0, 2]), gradient },
  { op, inputs: [input()], run: (x: tf.Tensor) => f(x, -1, true), gradient },
  { op, inputs: [input()], run: (x: tf.Tensor) => f(x), gradient },
];

const cube = () => away('batch', 3, 4);
const distinct = () => apart('batch', 3, 4);
const masks = () => flags('batch', 3, 4);
const wholeCube = () => whole(-5, 5, 'batch', 3, 4);

export const reductions: Section = {
  title: 'Reductions',
  rows: [
    ...everyWay('sum', tf.sum, cube),
    { op: 'sum', inputs: [wholeCube()], run: (x: tf.Tensor) => tf.sum(x, 1) },
    { op: 'sum', note: 'of booleans', inputs: [masks()], run: (x: tf.Tensor) => tf.sum(x, 1) },
    ...everyWay('mean', tf.mean, cube),
    { op: 'mean', inputs: [wholeCube()], run: (x: tf.Tensor) => tf.mean(x, 1) },
    ...everyWay('max', tf.max, distinct),
    { op: 'max', inputs: [wholeCube()], run: (x: tf.Tensor) => tf.max(x, 1) },
    ...everyWay('min', tf.min, distinct),
    { op: 'min', inputs: [wholeCube()], run: (x: tf.Tensor) => tf.min(x, 1) },
    ...everyWay('prod', tf.prod, cube, false),
    { op: 'prod', inputs: [away(3, 4)], run: (x: tf.Tensor) => tf.prod(x, 1), gradient: true },
    { op: 'prod', inputs: [whole(-3, 3, 'batch', 4)], run: (x: tf.Tensor) => tf.prod(x, 1) },
    ...everyWay('all', tf.all, masks, false),
    ...everyWay('any', tf.any, masks, false),
    ...everyWay('logSumExp', tf.logSumExp, cube),
    {
      op: 'moments',
      inputs: [cube()],
      run: (x: tf.Tensor) => Object.values(tf.moments(x, [1, 2])),
      gradient: true,
    },
    { op: 'norm', inputs: [cube()], run: (x: tf.Tensor) => tf.norm(x, 2, 2), gradient: true },
    { op: 'argMax', inputs: [cube()], run: (x: tf.Tensor) => tf.argMax(x, 1) },
    {
      op: 'argMax',
      note: 'the first of equals',
      inputs: [given('int32', ['batch', 4], [1, 3, 3, 0])],
      run: (x: tf.Tensor) => tf.argMax(x, -1),
    },
    { op: 'argMin', inputs: [cube()], run: (x: tf.Tensor) => tf.argMin(x, 2) },
    { op: 'softmax', inputs: [real('batch', 3, 4)], run: (x: tf.Tensor) => tf.softmax(x), gradient: true },
    { op: 'logSoftmax', inputs: [real('batch', 4)], run: (x: tf.Tensor) => tf.logSoftmax(x), gradient: true },
    {
      op: 'topk',
      inputs: [apart('batch', 3, 7)],
      run: (x: tf.Tensor) => Object.values(tf.topk(x, 3)),
      gradient: true,
      limits: 'always sorted',
    },
    {
      op: 'topk',
      note: 'the first of equals',
      inputs: [given('int32', ['batch', 5], [2, 5, 5, 1, 2])],
      run: (x: tf.Tensor) => Object.values(tf.topk(x, 4)),
    },
    ...[0, 1, 2, 3].map((way): Row => {
      const [exclusive, backwards] = [way % 2 > 0, way > 1];
      const note = [exclusive && 'exclusive', backwards && 'reverse'].filter(Boolean).join(', ');
      return {
        op: 'cumsum',
        ...(note && { note }),
        inputs: [real('batch', 5)],
        run: (x: tf.Tensor) => tf.cumsum(x, 1, exclusive, backwards),
        gradient: true,
      };
    }),
    { op: 'cumsum', inputs: [real('batch', 5, 2)], run: (x: tf.Tensor) => tf.cumsum(x, 1), gradient: true },
    { op: 'cumsum', inputs: [whole(-5, 5, 'batch', 5)], run: (x: tf.Tensor) => tf.cumsum(x, 1) },
    ...[0, 1, 2, 3].map(
      (way): Row => ({
        op: 'cumprod',
        inputs: [away('batch', 7, 2)],
        run: (x: tf.Tensor) => tf.cumprod(x, 1, way % 2 > 0, way > 1),
        gradient: true,
        limits: 'not along the batch',
      }),
    ),
    {
      op: 'cumprod',
      note: 'with zeros',
      inputs: [given('float32', ['batch', 5], [2, 0, 0.5, 0, 3, -1, 0, 1.5, 2, 1])],
      run: (x: tf.Tensor) => tf.cumprod(x, 1),
      gradient: true,
    },
    { op: 'cumprod', inputs: [whole(-3, 3, 'batch', 5)], run: (x: tf.Tensor) => tf.cumprod(x, 1) },
  ],
};
