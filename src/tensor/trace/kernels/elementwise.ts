import type { tfKernels } from '../../internals.js';
import { fill } from './create.js';
import {
  binary,
  broadcastShape,
  cast,
  type Inputs,
  type Kernel,
  type Kernels,
  type List,
  like,
  numbers,
  type Recorder,
  refuse,
  reshape,
  type TensorType,
  type Traced,
  throughFloat,
  where,
  whole,
} from './kernel.js';

/** Operations that both sides call by the same name. */
const anyNumber = 'Abs Neg Sign'.split(' ');
/** Those that graphs have for real numbers only. */
const realOnly = `Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Erf Floor Reciprocal Round Sin Sinh Sqrt Tan
  Log`.split(/\s+/);

const named = (names: readonly string[], kernel: (name: string) => Kernel): Kernels =>
  Object.fromEntries(names.map(name => [name, kernel(name)]));

const real = (f: (g: Recorder, x: Traced) => Traced): Kernel =>
  ((g, { x }: Inputs<'x'>) => throughFloat(g, [x], y => f(g, y))) satisfies Kernel;

const one = (g: Recorder) => g.scalar(1, 'float32');

/** `e^x - 1`, exact near 0, where the difference would cancel: `tanh(x/2) (e^x + 1)`. */
function expm1(g: Recorder, x: Traced): Traced {
  const tanh = like(g, 'Tanh', like(g, 'Mul', x, [g.scalar(0.5, 'float32')]));
  return like(g, 'Mul', tanh, [like(g, 'Add', like(g, 'Exp', x), [one(g)])]);
}

/** `log(1 + x)`, exact near 0: the rounding of `u = 1 + x` is undone by the factor `x / (u - 1)` (Kahan). */
function log1p(g: Recorder, x: Traced): Traced {
  const u = like(g, 'Add', x, [one(g)]);
  const corrected = like(g, 'Mul', like(g, 'Log', u), [like(g, 'Div', x, [like(g, 'Sub', u, [one(g)])])]);
  const infinite = binary(g, 'Equal', u, g.scalar(Number.POSITIVE_INFINITY, 'float32'), 'bool');
  const itself = like(g, 'Or', binary(g, 'Equal', u, one(g), 'bool'), [infinite]);
  return where(g, itself, x, corrected);
}

const unary: Kernels = {
  ...named(anyNumber, name => ((g, { x }: Inputs<'x'>) => like(g, name, numeric(name, x))) satisfies Kernel),
  ...named(realOnly, name => real((g, x) => like(g, name, x))),
  Rsqrt: real((g, x) => like(g, 'Reciprocal', like(g, 'Sqrt', x))),
  Expm1: real(expm1),
  Log1p: real(log1p),
  Square: (g, { x }: Inputs<'x'>) => like(g, 'Mul', numeric('Square', x), [x]),
  // The one whose result is real whatever the input is.
  Exp: (g, { x }: Inputs<'x'>) => like(g, 'Exp', cast(g, x, 'float32')),
  LogicalNot: (g, { x }: Inputs<'x'>) => like(g, 'Not', x),
  IsNan: (g, { x }: Inputs<'x'>) => g.op('IsNaN', [cast(g, x, 'float32')], 'bool', x.shape),
  IsInf: (g, { x }: Inputs<'x'>) => g.op('IsInf', [cast(g, x, 'float32')], 'bool', x.shape),
  IsFinite: (g, { x }: Inputs<'x'>) => {
    const size = like(g, 'Abs', cast(g, x, 'float32'));
    return binary(g, 'Less', size, g.scalar(Number.POSITIVE_INFINITY, 'float32'), 'bool');
  },
  ClipByValue: (g, { x }: Inputs<'x'>, { clipValueMin, clipValueMax }: tfKernels.ClipByValueAttrs) =>
    clip(g, x, clipValueMin, clipValueMax),
  Cast: (g, { x }: Inputs<'x'>, { dtype }: { dtype: TensorType }) => cast(g, x, dtype),
  // A copy shares the values; nothing is to be done.
  Identity: (_, { x }: Inputs<'x'>) => x,
};

/** Graphs do not reckon with booleans. */
function numeric(name: string, x: Traced): Traced {
  return x.dtype === 'bool' ? refuse(`the function uses '${name}' of booleans`) : x;
}

/** `x` between two numbers. */
export function clip(g: Recorder, x: Traced, least: number, most: number): Traced {
  const [low, high] = x.dtype === 'int32' ? [Math.max(least, -(2 ** 31)), Math.min(most, 2 ** 31 - 1)] : [least, most];
  return like(g, 'Clip', x, [g.scalar(low, x.dtype), g.scalar(high, x.dtype)]);
}

const arithmetic = {
  Add: 'Add',
  Sub: 'Sub',
  Multiply: 'Mul',
  RealDiv: 'Div',
  Pow: 'Pow',
  Maximum: 'Max',
  Minimum: 'Min',
  BitwiseAnd: 'BitwiseAnd',
};
const orders = { Greater: 'Greater', GreaterEqual: 'GreaterOrEqual', Less: 'Less', LessEqual: 'LessOrEqual' };
const logic = { Equal: 'Equal', LogicalAnd: 'And', LogicalOr: 'Or' };

type Both = Inputs<'a' | 'b'>;

const table = (
  names: Readonly<Record<string, string>>,
  make: (g: Recorder, op: string, both: Both, name: string) => Traced,
) =>
  Object.fromEntries(
    Object.entries(names).map(([name, op]) => [name, ((g, both: Both) => make(g, op, both, name)) satisfies Kernel]),
  );

/** The floor of a quotient of whole numbers, and what remains; both are 0 where the divisor is, as in TensorFlow.js. */
function divide(g: Recorder, { a, b }: Both): { quotient: Traced; remainder: Traced } {
  // In 64 bits, where no quotient overflows; a processor may stop at one that does, and at a division by 0.
  const [zero, unit] = [whole(g, 0), whole(g, 1)];
  const [dividend, given] = [cast(g, a, 'int64'), cast(g, b, 'int64')];
  const nothing = binary(g, 'Equal', given, zero, 'bool');
  const divisor = where(g, nothing, unit, given);
  const rest = binary(g, 'Mod', dividend, divisor);
  const times = binary(g, 'Div', binary(g, 'Sub', dividend, rest), divisor);
  const result = (x: Traced) => cast(g, where(g, nothing, zero, x), 'int32');
  return { quotient: result(times), remainder: result(rest) };
}

/** The remainder with the sign of the divisor. */
function modulo(g: Recorder, a: Traced, b: Traced): Traced {
  const remainder = (x: Traced): Traced => g.op('Mod', [x, b], x.dtype, broadcastShape(x, b), { fmod: 1 });
  const positive = (x: Traced): Traced => binary(g, 'GreaterOrEqual', x, g.scalar(0, x.dtype), 'bool');
  const rest = remainder(a);
  return where(g, binary(g, 'Equal', positive(a), positive(b)), rest, remainder(binary(g, 'Add', rest, b)));
}

/** The angle of the point `(x, y)`; a zero is taken for positive. */
function atan2(g: Recorder, y: Traced, x: Traced): Traced {
  const number = (value: number) => g.scalar(value, 'float32');
  const below = (z: Traced) => binary(g, 'Less', z, number(0), 'bool');
  const ratio = binary(g, 'Div', y, x);
  const half = where(g, below(y), number(-Math.PI), number(Math.PI));
  const angle = binary(g, 'Add', like(g, 'Atan', ratio), where(g, below(x), half, number(0)));
  const upright = binary(g, 'Mul', like(g, 'Sign', y), number(Math.PI / 2));
  return where(g, binary(g, 'Equal', x, number(0), 'bool'), upright, angle);
}

export const elementwise: Kernels = {
  ...unary,
  ...table(arithmetic, (g, op, { a, b }, name) => binary(g, op, numeric(name, a), numeric(name, b))),
  ...table(orders, (g, op, { a, b }) => binary(g, op, numbers(g, a), numbers(g, b), 'bool')),
  ...table(logic, (g, op, { a, b }) => binary(g, op, a, b, 'bool')),
  NotEqual: (g, { a, b }: Both) => like(g, 'Not', binary(g, 'Equal', a, b, 'bool')),
  SquaredDifference: (g, { a, b }: Both) => {
    const difference = binary(g, 'Sub', numeric('SquaredDifference', a), b);
    return like(g, 'Mul', difference, [difference]);
  },
  // Its result is whole whatever the inputs are.
  FloorDiv: (g, { a, b }: Both) =>
    a.dtype === 'float32' ? cast(g, like(g, 'Floor', binary(g, 'Div', a, b)), 'int32') : divide(g, { a, b }).quotient,
  Mod: (g, { a, b }: Both) => (a.dtype === 'float32' ? modulo(g, a, b) : divide(g, { a, b }).remainder),
  Atan2: (g, { a, b }: Both) => throughFloat(g, [a, b], (y, x) => atan2(g, y!, x!)),
  AddN: (g, list: List) => Object.values(list).reduce((total, x) => binary(g, 'Add', numeric('AddN', total), x)),
  Select: (g, { condition, t, e }: Inputs<'condition' | 't' | 'e'>) => {
    const rows = condition.shape.length === 1 && t.shape.length > 1;
    const shape = [...condition.shape, ...t.shape.slice(1).map(() => 1)];
    return where(g, rows ? reshape(g, condition, shape) : condition, t, e);
  },
  ZerosLike: (g, { x }: Inputs<'x'>) => fill(g, x.shape, 0, x.dtype),
  OnesLike: (g, { x }: Inputs<'x'>) => fill(g, x.shape, 1, x.dtype),
};
