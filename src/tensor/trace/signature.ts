/** What a compiled function takes: shapes with names in them, and how a call's values are held against them. */
import { InputError } from '../../errors.js';
import { dataIdOf, TensorClass } from '../internals.js';
import type { Tensor } from '../tfjs.js';
import type { SizedInput } from './record.js';

/** An input: its element type and shape. */
export interface InputSpec {
  /**
   * A number is that size and no other. `'batch'` is a size that stays free: one graph serves them all. Any other name,
   * such as `'height'`, is a size that gets a graph of its own the first time it is met; the same name is the same size
   * wherever it stands.
   */
  readonly shape: readonly (number | string)[];
  /** Default `float32`. */
  readonly dtype?: 'float32' | 'int32' | 'bool';
  /** What the input is called in the graph; default `input0`, `input1`, … */
  readonly name?: string;
}

/** What the names in a signature stand for. */
export type Sizes = Readonly<Record<string, number>>;

export const freeSize = 'batch';

/** @throws InputError when what is to be compiled is no function. */
export function checkFunction(fn: unknown): void {
  if (typeof fn !== 'function') throw new InputError(`compile: expected a function of tensors, got ${typeof fn}`);
}

/** @throws InputError when a signature is no list, or a shape, a type or a name in it is none. */
export function checkSignature(signature: readonly InputSpec[]): void {
  if (!Array.isArray(signature)) {
    throw new InputError(`compile: expected a signature such as [{ shape: ['batch', 3] }], got ${typeof signature}`);
  }
  const names = new Set<string>();
  signature.forEach((spec: InputSpec | null | undefined, i) => {
    const { shape, dtype = 'float32', name = `input${i}` } = spec ?? ({} as InputSpec);
    const where = `compile: input ${i}`;
    if (!Array.isArray(shape)) throw new InputError(`${where}: expected { shape: […] }, got shape ${String(shape)}`);
    if (typeof name !== 'string' || name === '') throw new InputError(`${where}: expected a name that is not empty`);
    for (const size of shape) {
      if (typeof size === 'string' ? size !== '' : Number.isInteger(size) && size >= 0) continue;
      throw new InputError(`${where}: expected sizes as whole numbers or names, got '${size}' in [${shape}]`);
    }
    if (!['float32', 'int32', 'bool'].includes(dtype)) {
      throw new InputError(`${where}: expected dtype float32, int32 or bool, got '${dtype}'`);
    }
    if (names.has(name)) throw new InputError(`${where}: the name '${name}' is given twice`);
    names.add(name);
  });
}

/**
 * Tensors to be lifted, as further inputs.
 *
 * @throws InputError when one is none, has been disposed, is of another type than graphs have, or is another's copy.
 */
export function liftedSpecs(lift: readonly Tensor[]): InputSpec[] {
  if (!Array.isArray(lift)) throw new InputError('compile: lift: expected a list of tensors');
  const places = new Map<object, number>();
  return lift.map((tensor: Tensor, i): InputSpec => {
    if (!(tensor instanceof TensorClass)) throw new InputError(`compile: lift: expected tensors, got ${typeof tensor}`);
    if (tensor.isDisposed) throw new InputError(`compile: lift: tensor ${i} has been disposed`);
    const other = places.get(dataIdOf(tensor));
    if (other !== undefined) {
      throw new InputError(`compile: lift: tensor ${i} has the very values of tensor ${other}; lift one of them`);
    }
    places.set(dataIdOf(tensor), i);
    return { shape: tensor.shape, dtype: tensor.dtype as 'float32', name: `lifted.${i}` };
  });
}

/** The names of a signature, but for the free one: sizes that a graph is made for. */
export const namedSizes = (signature: readonly InputSpec[]): string[] =>
  [
    ...new Set(signature.flatMap(({ shape }) => shape.filter(size => typeof size === 'string' && size !== freeSize))),
  ] as string[];

export const isFree = (signature: readonly InputSpec[]): boolean =>
  signature.some(({ shape }) => shape.includes(freeSize));

/** The signature with numbers for names. */
export const withSizes = (signature: readonly InputSpec[], sizes: Sizes): SizedInput[] =>
  signature.map(({ shape, dtype = 'float32', name }, i) => ({
    name: name ?? `input${i}`,
    dtype,
    shape: shape.map(size => (typeof size === 'number' ? size : sizes[size]!)),
    ...(shape.includes(freeSize) && { batch: sizes[freeSize]! }),
  }));

/** A value of a call, as far as its signature cares. */
export interface Given {
  readonly shape: readonly number[];
  readonly dtype: string;
}

/**
 * What the names of a signature stand for in a call.
 * @throws InputError when the number of inputs, a type, a number of axes or a size is another.
 */
export function sizesOf(signature: readonly InputSpec[], given: readonly Given[]): Sizes {
  if (given.length !== signature.length) {
    throw new InputError(`compiled function: expected ${signature.length} inputs, got ${given.length}`);
  }
  const sizes: Record<string, number> = Object.create(null);
  signature.forEach(({ shape, dtype = 'float32' }, i) => {
    const value = given[i]!;
    const expected = `compiled function: input ${i}: expected ${dtype} [${shape.join(', ')}]`;
    const fits = value.shape.length === shape.length && value.dtype === dtype;
    if (!fits) throw new InputError(`${expected}, got ${value.dtype} [${value.shape.join(', ')}]`);
    shape.forEach((size, axis) => {
      const actual = value.shape[axis]!;
      const wanted = typeof size === 'number' ? size : (sizes[size] ?? actual);
      if (actual !== wanted) {
        const why = typeof size === 'number' ? '' : ` (${size} is ${wanted} elsewhere)`;
        throw new InputError(`${expected}, got [${value.shape.join(', ')}]${why}`);
      }
      if (typeof size === 'string') sizes[size] = actual;
    });
  });
  return sizes;
}
