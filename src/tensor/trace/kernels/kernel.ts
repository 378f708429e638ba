/** What the kernels of the recording backend are written with. */
import { InputError } from '../../../errors.js';
import { backendUtil, type TensorInfo, tfUtil } from '../../internals.js';
import { type Builder, type Dim, sameShape, type Value } from '../graph.js';

/** A value while it is recorded: all its sizes are numbers. */
export type Traced = Value<number>;
export type Recorder = Builder<number>;

/**
 * A tensor operation as graph nodes. Its inputs and attributes are those that TensorFlow.js hands to every backend's
 * kernel of that name; each kernel declares what it takes.
 */
export type Kernel = (g: Recorder, inputs: never, attributes: never) => Traced | readonly Traced[];
export type Kernels = Readonly<Record<string, Kernel>>;

/** Inputs by name; `May` are those that can be left out. */
export type Inputs<Must extends string, May extends string = never> = Readonly<
  Record<Must, Traced> & Partial<Record<May, Traced>>
>;
/** The inputs of operations on a list. */
export type List = Readonly<Record<number, Traced>>;

/** The element types of tensors; graphs have more. */
export type TensorType = 'float32' | 'int32' | 'bool';

/** Refuses what has no graph form although its kernel has. */
export function refuse(what: string): never {
  throw new InputError(`compile: ${what}, which has no graph form; see docs/ops.md`);
}

/** What TensorFlow.js' helpers read of a tensor. */
export const info = ({ shape }: Traced) => ({ shape: [...shape] }) as TensorInfo;

/** A node whose one output is like `x`. */
export const like = (g: Recorder, op: string, x: Traced, others: readonly Traced[] = []): Traced =>
  g.op(op, [x, ...others], x.dtype, x.shape);

type Shaped = Pick<Traced, 'shape'>;

export const broadcastShape = (a: Shaped, b: Shaped): number[] =>
  backendUtil.assertAndGetBroadcastShape([...a.shape], [...b.shape]);

/** A node of two inputs that are broadcast. */
export const binary = (g: Recorder, op: string, a: Traced, b: Traced, dtype = a.dtype): Traced =>
  g.op(op, [a, b], dtype, broadcastShape(a, b));

/** `yes` where the condition holds, else `no`; all are broadcast. The operator has no form for booleans. */
export function where(g: Recorder, condition: Traced, yes: Traced, no: Traced): Traced {
  if (yes.dtype === 'bool') return cast(g, where(g, condition, cast(g, yes, 'int32'), cast(g, no, 'int32')), 'bool');
  const shape = broadcastShape(condition, { shape: broadcastShape(yes, no) });
  return g.op('Where', [condition, yes, no], yes.dtype, shape);
}

/** Axes as whole numbers from 0 up; none given means all. */
export const axesOf = (axis: number | number[] | null | undefined, x: Traced): number[] =>
  tfUtil.parseAxisParam(axis ?? x.shape.map((_, i) => i), [...x.shape]);

/** One axis as a whole number from 0 up. */
export const axisOf = (axis: number, x: Traced): number => axesOf(axis, x)[0]!;

const castCodes = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;

export function cast<D extends Dim>(g: Builder<D>, x: Value<D>, dtype: keyof typeof castCodes): Value<D> {
  return x.dtype === dtype ? x : g.op('Cast', [x], dtype, x.shape, { to: castCodes[dtype] });
}

/** Booleans as the numbers 0 and 1; numbers as they are. */
export const numbers = (g: Recorder, x: Traced): Traced => (x.dtype === 'bool' ? cast(g, x, 'int32') : x);

/** Does with real numbers what the operator has no other form for; the result has the first input's element type. */
export function throughFloat(g: Recorder, inputs: readonly Traced[], f: (...inputs: Traced[]) => Traced): Traced {
  const made = f(...inputs.map(input => cast(g, input, 'float32')));
  return cast(g, made, inputs[0]!.dtype as TensorType);
}

/** The operator takes a size of 0 for that of the input, so what has no elements is made anew. */
export const reshape = (g: Recorder, x: Traced, shape: readonly number[]): Traced =>
  shape.includes(0)
    ? g.op('Expand', [g.scalar(0, x.dtype), g.ints(shape)], x.dtype, shape)
    : g.op('Reshape', [x, g.ints(shape)], x.dtype, shape);

/** `x` repeated along axes of size 1. */
export const expand = (g: Recorder, x: Traced, shape: readonly number[]): Traced =>
  sameShape(x.shape, shape) ? x : g.op('Expand', [x, g.ints(shape)], x.dtype, shape);

export const transpose = (g: Recorder, x: Traced, perm: readonly number[]): Traced =>
  g.op(
    'Transpose',
    [x],
    x.dtype,
    perm.map(axis => x.shape[axis]!),
    { perm },
  );

/** A whole number without axes, as int64. */
export const whole = (g: Recorder, n: number): Traced => reshape(g, g.ints([n]), []);

/** A part of `x`: from `begin` on, `size` along each axis. */
export function slice(g: Recorder, x: Traced, begin: readonly number[], size: readonly number[]): Traced {
  const axes = x.shape.flatMap((all, axis) => (size[axis] === all ? [] : [axis]));
  if (axes.length === 0) return x;
  const starts = axes.map(axis => begin[axis]!);
  const ends = axes.map(axis => begin[axis]! + size[axis]!);
  return g.op('Slice', [x, g.ints(starts), g.ints(ends), g.ints(axes)], x.dtype, size);
}

/** Elements in reverse order along some axes. */
export function reverse(g: Recorder, x: Traced, axes: readonly number[]): Traced {
  if (axes.length === 0) return x;
  const all = (n: number) => g.ints(axes.map(() => n));
  return g.op('Slice', [x, all(-1), all(-(2 ** 31)), g.ints(axes), all(-1)], x.dtype, x.shape);
}

/** `x` with some elements of a value before and after each axis. */
export function pad(g: Recorder, x: Traced, paddings: readonly (readonly number[])[], value: number): Traced {
  const pads = g.ints([...paddings.map(([before]) => before!), ...paddings.map(([, after]) => after!)]);
  const shape = x.shape.map((size, axis) => size + paddings[axis]![0]! + paddings[axis]![1]!);
  return g.op('Pad', [x, pads, g.scalar(value, x.dtype)], x.dtype, shape);
}
