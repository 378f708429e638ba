import * as tf from '@tensorflow/tfjs-core';
import { flags, type Row, real, type Section, whole } from './row.js';

/** What moves elements and must do so whatever they are. */
const moves: Record<string, (x: tf.Tensor2D, y: tf.Tensor2D) => tf.Tensor | tf.Tensor[]> = {
  reshape: x => tf.reshape(x, [-1, 2]),
  expandDims: x => tf.expandDims(x, 1),
  transpose: x => tf.transpose(x),
  slice: x => tf.slice(x, [0, 1], [-1, 2]),
  stridedSlice: x => tf.stridedSlice(x, [0, 0], [2, 4], [1, 2]),
  concat: (x, y) => tf.concat([x, y], 1),
  split: x => tf.split(x, 2, 1),
  stack: (x, y) => tf.stack([x, y], 0),
  unstack: x => tf.unstack(x, 1),
  tile: x => tf.tile(x, [1, 2]),
  broadcastTo: x => tf.broadcastTo(x, [3, x.shape[0], 4]),
  mirrorPad: x =>
    tf.mirrorPad(
      x,
      [
        [0, 0],
        [1, 2],
      ],
      'reflect',
    ),
  reverse: x => tf.reverse(x, 1),
  clone: x => tf.clone(x),
};

const moveRows = Object.entries(moves).flatMap(([op, run]): Row[] => [
  { op, inputs: [whole(0, 9, 'batch', 4), whole(0, 9, 'batch', 4)], run },
  { op, inputs: [flags('batch', 4), flags('batch', 4)], run },
]);

export const shapes: Section = {
  title: 'Shape and order',
  rows: [
    { op: 'reshape', inputs: [real('batch', 6)], run: (x: tf.Tensor) => tf.reshape(x, [-1, 2, 3]), gradient: true },
    {
      op: 'expandDims',
      inputs: [real('batch', 3)],
      run: (x: tf.Tensor) => tf.expandDims(x, -1),
      gradient: true,
    },
    {
      op: 'squeeze',
      inputs: [real('batch', 1, 3)],
      run: (x: tf.Tensor) => tf.squeeze(x, [1]),
      gradient: true,
      limits: 'without axes it leaves a free batch, be it 1',
    },
    {
      op: 'transpose',
      inputs: [real('batch', 2, 3)],
      run: (x: tf.Tensor) => tf.transpose(x, [2, 0, 1]),
      gradient: true,
    },
    { op: 'slice', inputs: [real('batch', 5)], run: (x: tf.Tensor2D) => tf.slice(x, [0, 1], [-1, 3]), gradient: true },
    { op: 'slice', inputs: [flags('batch', 5)], run: (x: tf.Tensor2D) => tf.slice(x, [0, 1], [-1, 3]) },
    {
      op: 'stridedSlice',
      inputs: [real('batch', 7)],
      run: (x: tf.Tensor) => tf.stridedSlice(x, [0, 1], [2, 6], [1, 2]),
    },
    {
      op: 'stridedSlice',
      note: 'backwards, with masks',
      inputs: [real('batch', 7)],
      run: (x: tf.Tensor) => tf.stridedSlice(x, [0, 5], [0, 0], [1, -2], 1, 3),
    },
    {
      op: 'stridedSlice',
      note: 'without the axis',
      inputs: [real('batch', 7)],
      run: (x: tf.Tensor) => tf.stridedSlice(x, [0, 2], [0, 3], [1, 1], 1, 1, 0, 0, 2),
    },
    {
      op: 'stridedSlice',
      note: 'with an axis more',
      inputs: [real('batch', 3)],
      run: (x: tf.Tensor) => tf.stridedSlice(x, [0, 0, 1], [0, 0, 3], [1, 1, 1], 1, 1, 0, 2),
    },
    {
      op: 'concat',
      inputs: [real('batch', 2), real('batch', 3)],
      run: (a: tf.Tensor, b: tf.Tensor) => tf.concat([a, b], 1),
      gradient: true,
    },
    {
      op: 'concat',
      note: 'of the batch',
      inputs: [real('batch', 2), real(3, 2)],
      run: (a: tf.Tensor, b: tf.Tensor) => tf.concat([a, b], 0),
      gradient: true,
    },
    { op: 'split', inputs: [real('batch', 6)], run: (x: tf.Tensor) => tf.split(x, 3, 1), gradient: true },
    { op: 'split', inputs: [real('batch', 6)], run: (x: tf.Tensor) => tf.split(x, [1, 3, -1], 1), gradient: true },
    {
      op: 'stack',
      inputs: [real('batch', 3), real('batch', 3)],
      run: (a: tf.Tensor, b: tf.Tensor) => tf.stack([a, b], 1),
      gradient: true,
    },
    { op: 'unstack', inputs: [real('batch', 3)], run: (x: tf.Tensor) => tf.unstack(x, 1), gradient: true },
    {
      op: 'tile',
      inputs: [real('batch', 3)],
      run: (x: tf.Tensor) => tf.tile(x, [2, 3]),
      gradient: true,
    },
    {
      op: 'broadcastTo',
      inputs: [real('batch', 1, 3)],
      run: (x: tf.Tensor) => tf.broadcastTo(x, [x.shape[0]!, 4, 3]),
      gradient: true,
    },
    {
      op: 'pad',
      inputs: [real('batch', 3)],
      run: (x: tf.Tensor) =>
        tf.pad(
          x,
          [
            [1, 0],
            [2, 1],
          ],
          7,
        ),
      gradient: true,
    },
    {
      op: 'pad',
      inputs: [whole(0, 9, 'batch', 3)],
      run: (x: tf.Tensor) =>
        tf.pad(x, [
          [0, 0],
          [2, 1],
        ]),
    },
    ...(['reflect', 'symmetric'] as const).map(mode => ({
      op: 'mirrorPad',
      note: mode,
      inputs: [real('batch', 4, 3)],
      run: (x: tf.Tensor) =>
        tf.mirrorPad(
          x,
          [
            [0, 0],
            [2, 3],
            [1, 0],
          ],
          mode,
        ),
      gradient: 'eager' as const,
      limits: 'not along the batch; the gradient of TensorFlow.js leaves out the mirror images, and so does this',
    })),
    { op: 'reverse', inputs: [real('batch', 3, 2)], run: (x: tf.Tensor) => tf.reverse(x, [0, 2]), gradient: true },
    { op: 'image.flipLeftRight', inputs: [real('batch', 2, 3, 2)], run: tf.image.flipLeftRight },
    {
      op: 'diag',
      inputs: [real('batch')],
      run: (x: tf.Tensor) => tf.diag(x),
    },
    {
      op: 'depthToSpace',
      inputs: [real('batch', 2, 3, 8)],
      run: (x: tf.Tensor4D) => tf.depthToSpace(x, 2),
    },
    {
      op: 'spaceToBatchND',
      inputs: [real('batch', 3, 4, 2)],
      run: (x: tf.Tensor) =>
        tf.spaceToBatchND(
          x,
          [2, 2],
          [
            [1, 0],
            [0, 0],
          ],
        ),
      gradient: true,
    },
    {
      op: 'batchToSpaceND',
      inputs: [real(8, 2, 2, 3)],
      run: (x: tf.Tensor) =>
        tf.batchToSpaceND(
          x,
          [2, 2],
          [
            [1, 0],
            [0, 1],
          ],
        ),
      gradient: true,
    },
    { op: 'zerosLike', inputs: [real('batch', 3)], run: (x: tf.Tensor) => tf.zerosLike(x) },
    { op: 'onesLike', inputs: [real('batch', 3)], run: (x: tf.Tensor) => tf.onesLike(x) },
    { op: 'zeros', inputs: [real('batch', 3)], run: (x: tf.Tensor) => tf.add(x, tf.zeros([x.shape[0]!, 3])) },
    { op: 'ones', inputs: [real('batch', 3)], run: (x: tf.Tensor) => tf.add(x, tf.ones([x.shape[0]!, 3])) },
    { op: 'fill', inputs: [real('batch', 3)], run: (x: tf.Tensor) => tf.add(x, tf.fill([x.shape[0]!, 1], 5)) },
    {
      op: 'range',
      inputs: [real('batch', 3)],
      run: (x: tf.Tensor) => [tf.add(x, tf.range(3, 0)), tf.range(2, x.shape[0]! + 2, 1, 'int32')],
      limits: 'only whole numbers may follow the batch',
    },
    { op: 'reshape', note: 'of nothing', inputs: [real(0, 4)], run: (x: tf.Tensor) => tf.reshape(x, [4, 0, 2]) },
    {
      op: 'concat',
      note: 'of nothing',
      inputs: [real(0, 2), real(0, 3)],
      run: (x: tf.Tensor2D, y: tf.Tensor2D) => tf.concat([x, y], 1),
    },
    { op: 'linspace', inputs: [real('batch', 5)], run: (x: tf.Tensor) => tf.add(x, tf.linspace(-1, 1, 5)) },
    { op: 'eye', inputs: [real('batch', 3, 3)], run: (x: tf.Tensor) => tf.add(x, tf.eye(3)) },
    {
      op: 'eye',
      note: 'of the batch',
      inputs: [real('batch', 3)],
      run: (x: tf.Tensor2D) => tf.matMul(tf.eye(x.shape[0]), x),
    },
    {
      op: 'linalg.bandPart',
      inputs: [real(2, 4, 4)],
      run: (x: tf.Tensor) => tf.linalg.bandPart(x, 1, 0),
    },
    ...moveRows,
  ],
};
