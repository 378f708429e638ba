import * as tf from '@tensorflow/tfjs-core';
import { given, real, type Section, whole } from './row.js';

/** Places `[row, column]` in a matrix of 4 rows and 3 columns, one of them twice. */
const places = given('int32', ['batch', 2], [0, 1, 3, 2, 0, 1]);
/** The same without the repeated one. */
const distinct = given('int32', ['batch', 2], [0, 1, 3, 2, 2, 0]);

export const picks: Section = {
  title: 'Picking and placing',
  rows: [
    {
      op: 'gather',
      inputs: [real(6, 3), whole(0, 6, 'batch', 4)],
      run: (x: tf.Tensor, at: tf.Tensor) => tf.gather(x, tf.reshape(at, [-1])),
      gradient: true,
    },
    {
      op: 'gather',
      note: 'along the second axis',
      inputs: [real('batch', 5, 2), whole(0, 5, 4)],
      run: (x: tf.Tensor, at: tf.Tensor1D) => tf.gather(x, at, 1),
      gradient: true,
    },
    {
      op: 'gather',
      note: 'by a matrix of indices',
      inputs: [real(6, 3), whole(0, 6, 'batch', 4)],
      run: (x: tf.Tensor, at: tf.Tensor) => tf.gather(x, at),
    },
    {
      op: 'gather',
      note: 'batchDims 1',
      inputs: [real('batch', 5, 2), whole(0, 5, 'batch', 3)],
      run: (x: tf.Tensor, at: tf.Tensor) => tf.gather(x, at, 1, 1),
    },
    {
      op: 'gather',
      note: 'batchDims 1, gradient',
      inputs: [real(2, 5, 2), whole(0, 5, 2, 3)],
      run: (x: tf.Tensor, at: tf.Tensor) => tf.gather(x, at, 1, 1),
      gradient: true,
      limits: 'TensorFlow.js has gradients for batchDims 0, and 1 with a fixed batch',
    },
    {
      op: 'gather',
      note: 'batchDims 1 along the third axis',
      inputs: [real('batch', 2, 5, 3), whole(0, 5, 'batch', 4)],
      run: (x: tf.Tensor, at: tf.Tensor) => tf.gather(x, at, 2, 1),
    },
    {
      op: 'gather',
      note: 'batchDims 2',
      inputs: [real('batch', 2, 5), whole(0, 5, 'batch', 2, 3)],
      run: (x: tf.Tensor, at: tf.Tensor) => tf.gather(x, at, 2, 2),
    },
    {
      op: 'gatherND',
      inputs: [real(4, 3, 2), places],
      run: (x: tf.Tensor, at: tf.Tensor) => tf.gatherND(x, at),
      gradient: true,
    },
    {
      op: 'gatherND',
      note: 'single elements',
      inputs: [real(4, 3), places],
      run: (x: tf.Tensor, at: tf.Tensor) => tf.gatherND(x, at),
    },
    {
      op: 'scatterND',
      note: 'adds up where a place is given twice',
      inputs: [places, real('batch', 2)],
      run: (at: tf.Tensor, updates: tf.Tensor) => tf.scatterND(at, updates, [4, 3, 2]),
      gradient: true,
    },
    {
      op: 'scatterND',
      inputs: [whole(0, 6, 'batch', 1), whole(0, 9, 'batch')],
      run: (at: tf.Tensor, updates: tf.Tensor) => tf.scatterND(at, updates, [6]),
    },
    {
      op: 'tensorScatterUpdate',
      inputs: [real(4, 3), distinct, real('batch')],
      run: (x: tf.Tensor, at: tf.Tensor, updates: tf.Tensor) => tf.tensorScatterUpdate(x, at, updates),
      limits: 'each place once',
    },
    {
      op: 'unsortedSegmentSum',
      inputs: [real('batch', 3, 2), whole(0, 4, 'batch')],
      run: (x: tf.Tensor, segments: tf.Tensor1D) => tf.unsortedSegmentSum(x, segments, 5),
      gradient: true,
    },
    {
      op: 'unsortedSegmentSum',
      note: 'what belongs nowhere',
      inputs: [real(6, 2), given('int32', [6], [0, -1, 2, 7, 2, 1])],
      run: (x: tf.Tensor, segments: tf.Tensor1D) => tf.unsortedSegmentSum(x, segments, 3),
    },
    { op: 'oneHot', inputs: [whole(-1, 5, 'batch', 3)], run: (at: tf.Tensor) => tf.oneHot(at, 4) },
    {
      op: 'oneHot',
      note: 'real, with other values',
      inputs: [whole(-1, 5, 'batch')],
      run: (at: tf.Tensor) => tf.oneHot(at, 4, 0.9, 0.1, 'float32'),
    },
  ],
};
