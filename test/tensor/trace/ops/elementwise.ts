import * as tf from '@tensorflow/tfjs-core';
import { away, between, flags, given, type Input, positive, type Row, real, type Section, whole } from './row.js';

type Unary = (x: tf.Tensor) => tf.Tensor;

const shape = ['batch', 5] as const;
const row = (op: string, f: Unary, input: Input, more: Partial<Row> = {}): Row => ({
  op,
  inputs: [input],
  run: f,
  gradient: true,
  ...more,
});

const special = given(
  'float32',
  ['batch', 4],
  [Number.NaN, 1, Number.POSITIVE_INFINITY, 0, -2, Number.NEGATIVE_INFINITY, -0, 3],
);
const noGradient = { gradient: false } as const;
/** Numbers between which a step function does not jump. */
const between0and1 = () => given('float32', shape, [0.3, 1.4, -0.7, 2.2, -3.8, 0.6, -1.1]);

const unary: Row[] = [
  row('abs', tf.abs, away(...shape)),
  row('abs', tf.abs, whole(-9, 9, ...shape), noGradient),
  row('neg', tf.neg, real(...shape)),
  row('neg', tf.neg, whole(-9, 9, ...shape), noGradient),
  row('sign', tf.sign, away(...shape)),
  row('sign', tf.sign, whole(-2, 3, ...shape), noGradient),
  row('square', tf.square, real(...shape)),
  row('square', tf.square, whole(-9, 9, ...shape), noGradient),
  row('sqrt', tf.sqrt, positive(...shape)),
  row('rsqrt', tf.rsqrt, positive(...shape)),
  row('reciprocal', tf.reciprocal, away(...shape)),
  row('exp', tf.exp, real(...shape)),
  row('exp', tf.exp, whole(-3, 3, ...shape), noGradient),
  row('expm1', tf.expm1, real(...shape)),
  row('expm1', tf.expm1, between(-1e-5, 1e-5, shape), { note: 'near 0', near0: true, gradient: false }),
  row('log', tf.log, positive(...shape)),
  row('log1p', tf.log1p, positive(...shape)),
  row('log1p', tf.log1p, between(-1e-5, 1e-5, shape), { note: 'near 0', near0: true, gradient: false }),
  row('sin', tf.sin, real(...shape)),
  row('cos', tf.cos, real(...shape)),
  row('tan', tf.tan, between(-1, 1, shape)),
  row('asin', tf.asin, between(-0.8, 0.8, shape)),
  row('acos', tf.acos, between(-0.8, 0.8, shape)),
  row('atan', tf.atan, real(...shape)),
  row('sinh', tf.sinh, real(...shape)),
  row('cosh', tf.cosh, real(...shape)),
  row('tanh', tf.tanh, real(...shape)),
  row('asinh', tf.asinh, real(...shape)),
  row('acosh', tf.acosh, between(1.3, 4, shape)),
  row('atanh', tf.atanh, between(-0.8, 0.8, shape)),
  row('erf', tf.erf, real(...shape)),
  row('ceil', tf.ceil, between0and1()),
  row('floor', tf.floor, between0and1()),
  row('round', tf.round, between0and1()),
  row('round', tf.round, given('float32', shape, [0.5, 1.5, 2.5, -0.5, -1.5, 0.3, 7.7]), {
    note: 'halves to the even neighbour',
    ...noGradient,
  }),
  row('isNaN', tf.isNaN, special, noGradient),
  row('isInf', tf.isInf, special, noGradient),
  row('isFinite', tf.isFinite, special, noGradient),
  row('isNaN', tf.isNaN, whole(0, 3, ...shape), noGradient),
  row('clipByValue', x => tf.clipByValue(x, -0.7, 0.9), real(...shape)),
  row('clipByValue', x => tf.clipByValue(x, Number.NEGATIVE_INFINITY, 4), whole(-9, 9, ...shape), noGradient),
];

const activations: Row[] = [
  row('relu', tf.relu, away(...shape)),
  row('relu', tf.relu, whole(-9, 9, ...shape), noGradient),
  row('relu6', tf.relu6, between(-3, 9, shape)),
  row('elu', tf.elu, away(...shape)),
  row('selu', tf.selu, away(...shape)),
  row('leakyRelu', x => tf.leakyRelu(x, 0.3), away(...shape)),
  row('sigmoid', tf.sigmoid, real(...shape)),
  row('logSigmoid', tf.logSigmoid, real(...shape)),
  row('softplus', tf.softplus, real(...shape)),
  row('step', x => tf.step(x, 0.1), given('float32', ['batch', 5], [-1, 2, 0, 3, Number.NaN, -0.5]), noGradient),
  {
    op: 'prelu',
    inputs: [away('batch', 3, 5), real(5)],
    run: (x: tf.Tensor, slope: tf.Tensor) => tf.prelu(x, slope),
    gradient: true,
  },
];

type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
const pair = (op: string, f: Binary, a: Input, b: Input, more: Partial<Row> = {}): Row => ({
  op,
  inputs: [a, b],
  run: f,
  gradient: true,
  ...more,
});

const column = ['batch', 1] as const;
const numbers = [whole(-9, 9, ...shape), whole(-9, 9, 5)] as const;
/** Divisors of both signs and 0. */
const divisors = given('int32', [5], [-3, 4, 0, 1, -1]);

const binary: Row[] = [
  pair('add', tf.add, real(...shape), real(5)),
  pair('add', tf.add, ...numbers, noGradient),
  pair('sub', tf.sub, real(...column), real(5), { note: 'both broadcast' }),
  pair('sub', tf.sub, ...numbers, noGradient),
  pair('mul', tf.mul, real(...shape), real(5)),
  pair('mul', tf.mul, real(...shape), flags(...shape), { note: 'by booleans' }),
  pair('mul', tf.mul, ...numbers, noGradient),
  pair('div', tf.div, real(...shape), away(5)),
  pair('div', tf.div, whole(-9, 9, ...shape), divisors, {
    note: 'of whole numbers, which is floorDiv; by 0 gives 0',
    ...noGradient,
  }),
  pair('divNoNan', tf.divNoNan, real(...shape), given('float32', [5], [1, 0, 2, -3, 0]), noGradient),
  pair('divNoNan', tf.divNoNan, real(...shape), away(...shape)),
  pair('floorDiv', tf.floorDiv, real(...shape), away(5), { gradient: false }),
  pair('floorDiv', tf.floorDiv, given('int32', ['batch', 5], [2147483647, -2147483648, 7, -7, 1]), divisors, {
    note: 'at the ends of the range',
    ...noGradient,
  }),
  pair('mod', tf.mod, between0and1(), given('float32', [5], [1, 2, 1, 1.5, -1])),
  pair('mod', tf.mod, real(...shape), away(5), noGradient),
  pair('mod', tf.mod, whole(-9, 9, ...shape), divisors, noGradient),
  pair('pow', tf.pow, positive(...shape), real(5)),
  pair('pow', tf.pow, whole(-5, 5, ...shape), whole(0, 4, 5), noGradient),
  pair('maximum', tf.maximum, real(...shape), real(...shape)),
  pair('maximum', tf.maximum, real(...shape), real(5)),
  pair('maximum', tf.maximum, ...numbers, noGradient),
  pair('minimum', tf.minimum, real(...shape), real(...shape)),
  pair('minimum', tf.minimum, real(...shape), real(5)),
  pair('minimum', tf.minimum, ...numbers, noGradient),
  pair('squaredDifference', tf.squaredDifference, real(...shape), real(...shape)),
  pair('squaredDifference', tf.squaredDifference, real(...column), real(5)),
  pair('atan2', tf.atan2, away(...shape), away(5), { limits: 'zeros count as positive; not of two infinities' }),
  pair('atan2', tf.atan2, given('float32', [4], [0, 2, -2, 0]), given('float32', [4], [0, 0, 0, -1]), {
    note: 'on the axes',
    gradient: false,
  }),
  pair('bitwiseAnd', tf.bitwiseAnd, whole(0, 99, ...shape), whole(0, 99, ...shape), noGradient),
  {
    op: 'addN',
    inputs: [real(...shape), real(...shape), real(...shape)],
    run: (...xs: tf.Tensor[]) => tf.addN(xs),
    gradient: true,
  },
];

const few = () => whole(0, 3, ...shape);
const { equal, notEqual, greater, greaterEqual, less, lessEqual } = tf;
const comparisons = Object.entries({ equal, notEqual, greater, greaterEqual, less, lessEqual }).flatMap(([op, f]) => [
  pair(op, f, few(), whole(0, 3, 5), noGradient),
  pair(op, f, given('float32', ['batch', 4], [0, 1, 2, Number.NaN]), given('float32', [1], [1]), noGradient),
  pair(op, f, flags(...shape), flags(5), noGradient),
]);

const logic: Row[] = [
  pair('logicalAnd', tf.logicalAnd, flags(...shape), flags(5), noGradient),
  pair('logicalOr', tf.logicalOr, flags(...shape), flags(5), noGradient),
  pair('logicalXor', tf.logicalXor, flags(...shape), flags(5), noGradient),
  row('logicalNot', tf.logicalNot, flags(...shape), noGradient),
  {
    op: 'where',
    inputs: [flags('batch', 5), real('batch', 5), real(5)],
    run: (mask: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.where(mask, a, b),
    gradient: true,
  },
  {
    op: 'where',
    note: 'a comparison decides',
    inputs: [away('batch', 5), real(5)],
    run: (a: tf.Tensor, b: tf.Tensor) => {
      const small = tf.logicalAnd(tf.less(a, 1.1), tf.logicalNot(tf.lessEqual(a, -1.1)));
      return tf.where(small, tf.square(a), tf.mul(a, b));
    },
    gradient: 'eager',
  },
  {
    op: 'where',
    note: 'of booleans',
    inputs: [flags(...shape), flags(...shape), flags(...shape)],
    run: (mask: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.where(mask, a, b),
  },
  {
    op: 'where',
    inputs: [flags(...shape), whole(0, 9, ...shape), whole(0, 9, ...shape)],
    run: (mask: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.where(mask, a, b),
  },
];

const casts: Row[] = [
  row('cast', x => tf.cast(x, 'int32'), real(...shape), {
    ...noGradient,
    limits: 'numbers that int32 does not hold give what the processor gives',
  }),
  row('cast', x => tf.cast(x, 'bool'), given('float32', shape, [0, 1, -0.5, 0]), noGradient),
  row('cast', x => tf.cast(x, 'float32'), whole(-9, 9, ...shape), noGradient),
  row('cast', x => tf.cast(x, 'float32'), flags(...shape), noGradient),
  row('cast', x => tf.cast(x, 'int32'), flags(...shape), noGradient),
  row('clone', x => tf.clone(x), real(...shape)),
];

export const elementwise: Section[] = [
  { title: 'Functions of one number', rows: [...unary, ...casts] },
  { title: 'Activations', rows: activations },
  { title: 'Arithmetic', rows: binary },
  { title: 'Comparison and logic', rows: [...comparisons, ...logic] },
];
