import * as tf from '@tensorflow/tfjs-core';
import { apart, positive, type Row, real, type Section, whole } from './row.js';

type Padding = 'valid' | 'same' | number;
type Filter = tf.Tensor4D;

const cases: readonly { size: readonly [number, number]; filter: number; stride: number; pad: Padding }[] = [
  { size: [5, 6], filter: 3, stride: 1, pad: 'same' },
  { size: [5, 6], filter: 3, stride: 1, pad: 'valid' },
  { size: [5, 6], filter: 3, stride: 2, pad: 'same' },
  // What the stride leaves over: one row and two columns.
  { size: [7, 8], filter: 3, stride: 3, pad: 'valid' },
  { size: [6, 4], filter: 2, stride: 2, pad: 'valid' },
  { size: [4, 5], filter: 3, stride: 2, pad: 1 },
  { size: [4, 4], filter: 1, stride: 2, pad: 'valid' },
];

const noteOf = ({ size, filter, stride, pad }: (typeof cases)[number]) =>
  `${size.join(' x ')}, filter ${filter}, stride ${stride}, pad ${pad}`;

const dilationLimit = 'TensorFlow.js has no gradient for dilations';

const convolutions: Row[] = [
  ...cases.flatMap((it): Row[] => [
    {
      op: 'conv2d',
      note: noteOf(it),
      inputs: [real('batch', ...it.size, 2), real(it.filter, it.filter, 2, 3)],
      run: (x: tf.Tensor4D, filter: Filter) => tf.conv2d(x, filter, it.stride, it.pad),
      gradient: true,
      limits: dilationLimit,
    },
    {
      op: 'depthwiseConv2d',
      note: noteOf(it),
      inputs: [real('batch', ...it.size, 2), real(it.filter, it.filter, 2, 2)],
      run: (x: tf.Tensor4D, filter: Filter) => tf.depthwiseConv2d(x, filter, it.stride, it.pad),
      gradient: true,
      limits: `${dilationLimit}; channels last`,
    },
  ]),
  {
    op: 'conv2d',
    note: 'dilations',
    inputs: [real('batch', 7, 6, 2), real(3, 2, 2, 3)],
    run: (x: tf.Tensor4D, filter: Filter) => tf.conv2d(x, filter, 1, 'same', 'NHWC', [2, 3]),
  },
  {
    op: 'conv2d',
    note: 'NCHW',
    inputs: [real('batch', 2, 7, 8), real(3, 2, 2, 3)],
    run: (x: tf.Tensor4D, filter: Filter) => tf.conv2d(x, filter, [3, 2], 'valid', 'NCHW'),
    gradient: true,
  },
  {
    op: 'conv2d',
    note: 'edges given, rounded up',
    inputs: [real('batch', 6, 7, 1), real(3, 3, 1, 2)],
    run: (x: tf.Tensor4D, filter: Filter) =>
      tf.conv2d(
        x,
        filter,
        2,
        [
          [0, 0],
          [1, 0],
          [0, 2],
          [0, 0],
        ],
        'NHWC',
        1,
        'ceil',
      ),
  },
  {
    op: 'depthwiseConv2d',
    note: 'dilations',
    inputs: [real('batch', 7, 6, 2), real(3, 2, 2, 2)],
    run: (x: tf.Tensor4D, filter: Filter) => tf.depthwiseConv2d(x, filter, 1, 'valid', 'NHWC', [2, 3]),
  },
  {
    op: 'separableConv2d',
    inputs: [real('batch', 5, 6, 2), real(3, 3, 2, 2), real(1, 1, 4, 3)],
    run: (x: tf.Tensor4D, depth: Filter, point: Filter) => tf.separableConv2d(x, depth, point, 1, 'same'),
    gradient: true,
  },
  ...cases
    .filter(({ pad }) => typeof pad === 'string')
    .map(
      (it): Row => ({
        op: 'conv2dTranspose',
        note: noteOf(it),
        inputs: [real(2, 3, 2, 3), real(it.filter, it.filter, 2, 3)],
        run: (x: tf.Tensor4D, filter: Filter) => {
          const grown = (size: number) =>
            it.pad === 'same' ? size * it.stride : (size - 1) * it.stride + it.filter + (it.stride > 2 ? 1 : 0);
          const padding = it.pad as 'same' | 'valid';
          return tf.conv2dTranspose(x, filter, [2, grown(3), grown(2), 2], it.stride, padding);
        },
        gradient: true,
      }),
    ),
  {
    op: 'conv2dTranspose',
    inputs: [real('batch', 3, 3, 2), real(2, 2, 1, 2)],
    run: (x: tf.Tensor4D, filter: Filter) => tf.conv2dTranspose(x, filter, [x.shape[0], 6, 6, 1], 2, 'valid'),
    gradient: true,
  },
  ...([undefined, 'relu', 'relu6', 'sigmoid', 'elu', 'leakyrelu', 'prelu'] as const).flatMap((activation): Row[] =>
    (['conv2d', 'depthwiseConv2d'] as const).map(
      (op): Row => ({
        op: `fused.${op}`,
        ...(activation && { note: activation }),
        inputs: [
          real('batch', 4, 5, 2),
          real(3, 3, 2, 2),
          real(op === 'conv2d' ? 2 : 4),
          real(op === 'conv2d' ? 2 : 4),
        ],
        run: (x: tf.Tensor4D, filter: Filter, bias: tf.Tensor1D, slopes: tf.Tensor) =>
          tf.fused[op]({
            x,
            filter,
            bias,
            strides: 1,
            pad: 'same',
            leakyreluAlpha: 0.3,
            ...(activation && { activation }),
            ...(activation === 'prelu' && { preluActivationWeights: slopes }),
          }),
      }),
    ),
  ),
  {
    op: 'fused.conv2d',
    note: 'NCHW',
    inputs: [real('batch', 2, 4, 5), real(3, 3, 2, 3), real(3), real(3)],
    run: (x: tf.Tensor4D, filter: Filter, bias: tf.Tensor1D, preluActivationWeights: tf.Tensor) =>
      tf.fused.conv2d({
        x,
        filter,
        bias,
        strides: 1,
        pad: 'valid',
        dataFormat: 'NCHW',
        activation: 'prelu',
        preluActivationWeights,
      }),
  },
  {
    op: 'fused.conv2d',
    inputs: [real('batch', 4, 5, 2), real(3, 3, 2, 3), real(3)],
    run: (x: tf.Tensor4D, filter: Filter, bias: tf.Tensor1D) =>
      tf.fused.conv2d({ x, filter, bias, strides: 1, pad: 'same', activation: 'relu' }),
    gradient: true,
    limits: 'gradient with relu, relu6 or no activation',
  },
];

convolutions.push({
  op: 'fused.depthwiseConv2d',
  inputs: [real('batch', 4, 5, 2), real(3, 3, 2, 2), real(4)],
  run: (x: tf.Tensor4D, filter: Filter, bias: tf.Tensor1D) =>
    tf.fused.depthwiseConv2d({ x, filter, bias, strides: 1, pad: 'same', activation: 'relu' }),
  gradient: true,
  limits: 'gradient with relu, relu6 or no activation',
});

const evenly =
  'over an edge the gradient of TensorFlow.js divides by the whole window, though the pool does not, and so does this';

const pools: Row[] = cases
  .filter(({ pad }) => pad !== 1)
  .flatMap((it): Row[] => [
    {
      op: 'maxPool',
      note: noteOf(it),
      inputs: [apart('batch', ...it.size, 1)],
      run: (x: tf.Tensor4D) => tf.maxPool(x, it.filter, it.stride, it.pad),
      gradient: true,
    },
    {
      op: 'avgPool',
      note: noteOf(it),
      inputs: [real('batch', ...it.size, 2)],
      run: (x: tf.Tensor4D) => tf.avgPool(x, it.filter, it.stride, it.pad),
      gradient: it.pad === 'same' ? 'eager' : true,
      limits: evenly,
    },
  ]);

const sizes = [
  [6, 6],
  [2, 2],
  [4, 4],
  [1, 1],
  [5, 7],
] as const;

pools.push({
  op: 'maxPool',
  inputs: [whole(0, 255, 'batch', 4, 4, 2)],
  run: (x: tf.Tensor4D) => tf.maxPool(x, 2, 2, 'valid'),
});

const resizes: Row[] = (['resizeBilinear', 'resizeNearestNeighbor'] as const).flatMap(op =>
  (['neither', 'alignCorners', 'halfPixelCenters'] as const).flatMap(mode =>
    sizes.map(
      (size): Row => ({
        op: `image.${op}`,
        note: `4 x 4 to ${size.join(' x ')}, ${mode}`,
        inputs: [real('batch', 4, 4, 2)],
        run: (x: tf.Tensor4D) => tf.image[op](x, [...size], mode === 'alignCorners', mode === 'halfPixelCenters'),
        ...(mode !== 'halfPixelCenters' && { gradient: op === 'resizeBilinear' ? true : 'numeric' }),
        limits: 'the gradient of TensorFlow.js takes no account of halfPixelCenters, and nor does this',
      }),
    ),
  ),
);

resizes.push(
  {
    op: 'image.resizeBilinear',
    inputs: [whole(0, 255, 'batch', 4, 4, 2)],
    run: (x: tf.Tensor4D) => tf.image.resizeBilinear(x, [6, 7], false, true),
  },
  {
    op: 'image.resizeNearestNeighbor',
    inputs: [whole(0, 255, 'batch', 4, 4, 2)],
    run: (x: tf.Tensor4D) => tf.image.resizeNearestNeighbor(x, [6, 7]),
  },
  ...(['resizeBilinear', 'resizeNearestNeighbor'] as const).flatMap((op): Row[] => [
    {
      op: `image.${op}`,
      note: 'of one square picture, halfPixelCenters',
      inputs: [real(1, 4, 4, 2)],
      run: (x: tf.Tensor4D) => tf.image[op](x, [6, 5], false, true),
      gradient: 'eager',
    },
    {
      op: `image.${op}`,
      note: 'of one square picture',
      inputs: [real(1, 4, 4, 2)],
      run: (x: tf.Tensor4D) => tf.image[op](x, [6, 5]),
      gradient: true,
    },
    {
      op: `image.${op}`,
      note: 'of pictures wider than high',
      inputs: [real('batch', 3, 5, 2)],
      run: (x: tf.Tensor4D) => tf.image[op](x, [6, 7]),
      gradient: 'numeric',
    },
  ]),
);

const normalisations: Row[] = [
  {
    op: 'batchNorm',
    inputs: [real('batch', 2, 2, 3), real(3), positive(3), real(3), positive(3)],
    run: (x: tf.Tensor, mean: tf.Tensor1D, variance: tf.Tensor1D, offset: tf.Tensor1D, scale: tf.Tensor1D) =>
      tf.batchNorm(x, mean, variance, offset, scale),
    gradient: true,
  },
  {
    op: 'batchNorm',
    note: 'without offset and scale',
    inputs: [real('batch', 3), real(3), positive(3)],
    run: (x: tf.Tensor, mean: tf.Tensor1D, variance: tf.Tensor1D) => tf.batchNorm(x, mean, variance),
  },
];

export const windows: Section[] = [
  { title: 'Convolutions', rows: convolutions },
  { title: 'Pools', rows: pools },
  { title: 'Resizing', rows: resizes },
  { title: 'Normalisation', rows: normalisations },
];
