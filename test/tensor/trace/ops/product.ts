import * as tf from '@tensorflow/tfjs-core';
import { gelu, quickGelu } from '../../../../src/tensor/ops/gelu.js';
import { headProduct } from '../../../../src/tensor/ops/heads.js';
import { layerNorm } from '../../../../src/tensor/ops/layerNorm.js';
import { linear } from '../../../../src/tensor/ops/linear.js';
import { resize } from '../../../../src/tensor/ops/resize.js';
import { roiAlign } from '../../../../src/tensor/ops/roiAlign.js';
import { unitLength } from '../../../../src/tensor/ops/unitLength.js';
import { given, positive, type Row, real, type Section, whole } from './row.js';

const sides = [false, true] as const;

export const products: Section = {
  title: 'Products',
  rows: [
    ...sides.flatMap(transposeA =>
      sides.map((transposeB): Row => {
        const note = [transposeA && 'transposeA', transposeB && 'transposeB'].filter(Boolean).join(', ');
        return {
          op: 'matMul',
          ...(note && { note }),
          inputs: [
            transposeA ? real('batch', 4, 3) : real('batch', 3, 4),
            transposeB ? real('batch', 5, 4) : real('batch', 4, 5),
          ],
          run: (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, transposeA, transposeB),
          gradient: true,
        };
      }),
    ),
    {
      op: 'matMul',
      note: 'one matrix for the whole batch',
      inputs: [real('batch', 2, 3, 4), real(1, 1, 4, 5)],
      run: (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b),
    },
    {
      op: 'dot',
      inputs: [real('batch', 3), real(3)],
      run: (a: tf.Tensor, b: tf.Tensor) => tf.dot(a, b),
      gradient: true,
    },
    {
      op: 'matMul',
      inputs: [whole(-9, 9, 'batch', 3), whole(-9, 9, 3, 5)],
      run: (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b),
    },
    ...([undefined, 'relu', 'relu6', 'sigmoid', 'elu', 'leakyrelu', 'prelu'] as const).map(
      (activation): Row => ({
        op: 'fused.matMul',
        ...(activation && { note: activation }),
        inputs: [real('batch', 3), real(3, 5), real(5), real(5)],
        run: (a: tf.Tensor2D, b: tf.Tensor2D, bias: tf.Tensor, slopes: tf.Tensor) =>
          tf.fused.matMul({
            a,
            b,
            bias,
            leakyreluAlpha: 0.3,
            ...(activation && { activation }),
            ...(activation === 'prelu' && { preluActivationWeights: slopes }),
          }),
      }),
    ),
    {
      op: 'fused.matMul',
      inputs: [real('batch', 3), real(3, 5), real(5)],
      run: (a: tf.Tensor2D, b: tf.Tensor2D, bias: tf.Tensor) => tf.fused.matMul({ a, b, bias, activation: 'relu' }),
      gradient: true,
      limits: 'gradient with relu, relu6 or no activation',
    },
    ...(['bij,bjk->bik', 'bij,bkj->bki', 'bij,bjk->bijk', 'bij,bjk->'] as const).map(
      (equation): Row => ({
        op: 'einsum',
        note: equation,
        inputs: [real('batch', 3, 4), equation === 'bij,bkj->bki' ? real('batch', 5, 4) : real('batch', 4, 5)],
        run: (a: tf.Tensor, b: tf.Tensor) => tf.einsum(equation, a, b),
        // The differences of so large a sum say little.
        gradient: equation.endsWith('->') ? 'eager' : true,
        limits: 'TensorFlow.js itself gives wrong shapes for some sums over what one tensor alone has',
      }),
    ),
    { op: 'einsum', inputs: [real('batch', 3)], run: (x: tf.Tensor) => tf.einsum('b i -> i b', x), gradient: true },
    { op: 'einsum', inputs: [real('batch', 3)], run: (x: tf.Tensor) => tf.einsum('bi->', x), gradient: true },
  ],
};

const pixels = real(5, 6, 2);

/** Operations of this project. */
export const ownOperations: Section = {
  title: 'Operations of clipscope',
  rows: [
    {
      op: 'linear',
      inputs: [real('batch', 2, 3), real(3, 5), real(5)],
      run: (x: tf.Tensor3D, weight: tf.Tensor2D, bias: tf.Tensor1D) => linear(x, { weight, bias }),
      gradient: true,
    },
    {
      op: 'layerNorm',
      inputs: [real('batch', 2, 6), positive(6), real(6)],
      run: (x: tf.Tensor3D, weight: tf.Tensor1D, bias: tf.Tensor1D) => layerNorm(x, { weight, bias }),
      gradient: true,
    },
    { op: 'gelu', inputs: [real('batch', 5)], run: (x: tf.Tensor2D) => gelu(x), gradient: true },
    { op: 'quickGelu', inputs: [real('batch', 5)], run: (x: tf.Tensor2D) => quickGelu(x), gradient: true },
    { op: 'unitLength', inputs: [real('batch', 5)], run: (x: tf.Tensor2D) => unitLength(x), gradient: true },
    {
      op: 'headProduct',
      inputs: [real('batch', 2, 3, 4), real('batch', 2, 5, 4)],
      run: (a: tf.Tensor4D, b: tf.Tensor4D) => headProduct(a, b, true),
      gradient: true,
    },
    {
      op: 'resize',
      inputs: [pixels],
      run: (x: tf.Tensor3D) => resize(x, 3, 9, { kernel: 'bicubic' }),
      gradient: true,
    },
    {
      op: 'roiAlign',
      inputs: [
        real(2, 5, 6, 2),
        given('float32', ['batch', 4], [0.6, 0.7, 3.8, 4.1, 1.2, -0.3, 5.9, 2.2, 2.1, 1.4, 2.6, 4.7]),
        whole(0, 2, 'batch'),
      ],
      run: (x: tf.Tensor4D, boxes: tf.Tensor2D, images: tf.Tensor1D) =>
        roiAlign(x, boxes, images, { size: [2, 3], sampling: 2 }),
      limits: 'boxes that are inputs need a number of points, not `adaptive`; gradient of the features alone',
    },
    {
      op: 'roiAlign',
      note: 'of given boxes',
      inputs: [real(2, 5, 6, 2)],
      run: (x: tf.Tensor4D) => {
        const boxes = tf.tensor2d([0.6, 0.7, 3.8, 4.1, 1.2, -0.3, 5.9, 2.2], [2, 4]);
        return roiAlign(x, boxes, tf.tensor1d([1, 0], 'int32'), { size: [2, 3] });
      },
      gradient: true,
    },
  ],
};
