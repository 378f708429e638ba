/** What the table of operations is made of. */
import type { Tensor } from '@tensorflow/tfjs-core';

type Made = Tensor | readonly Tensor[];

/** An input, and the values it is tried with. */
export interface Input {
  /** `'batch'` is a size that stays free: the same graph is run at two of them. */
  readonly shape: readonly (number | 'batch')[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  /** The element at a place. */
  readonly value: (place: number) => number;
}

/** One case of an operation, done eagerly and compiled. */
export interface Row {
  /** The operation's name as one calls it. */
  readonly op: string;
  /** What is special about this case. */
  readonly note?: string;
  readonly inputs: readonly Input[];
  // The inputs' ranks are known to the row alone.
  readonly run: (...inputs: never[]) => Made;
  /**
   * Whether there are gradients with respect to all real inputs. The compiled ones must equal the eager ones and finite
   * differences; only the `eager` ones where TensorFlow.js' rule is no true gradient, and only the `numeric` ones where
   * its cpu backend has an error. `limits` says which.
   */
  readonly gradient?: boolean | 'eager' | 'numeric';
  /** Results are small numbers, which count as much as large ones. */
  readonly near0?: boolean;
  /** What the page says besides. */
  readonly limits?: string;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A number in [0, 1) for each place, without pattern, the same each time. */
function scattered(place: number, seed: number): number {
  let bits = Math.imul(place + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  bits = Math.imul(bits ^ (bits >>> 12), 0x297a2d39);
  return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
}

type Shape = Input['shape'];
let inputsMade = 0;

/** Real numbers between two bounds. */
export function between(least: number, most: number, shape: Shape): Input {
  const seed = inputsMade++;
  return { shape, dtype: 'float32', value: place => least + (most - least) * scattered(place, seed) };
}

export const real = (...shape: Shape): Input => between(-2, 2, shape);
export const positive = (...shape: Shape): Input => between(0.3, 3, shape);

/** Real numbers at least 0.2 from 0, so that neither a kink nor a pole is near. */
export function away(...shape: Shape): Input {
  const { value, ...rest } = between(-2, 2, shape);
  return { ...rest, value: place => value(place) + Math.sign(value(place)) * 0.2 };
}

/** Real numbers of which no two are near each other: up to 211 of them. */
export const apart = (...shape: Shape): Input => ({
  shape,
  dtype: 'float32',
  value: place => ((place * 97) % 211) * 0.04 - 4,
});

/** Whole numbers from `least` up to but not including `end`. */
export function whole(least: number, end: number, ...shape: Shape): Input {
  const { value } = between(least, end, shape);
  return { shape, dtype: 'int32', value: place => Math.floor(value(place)) };
}

export function flags(...shape: Shape): Input {
  const { value } = between(-1, 1, shape);
  return { shape, dtype: 'bool', value: place => Number(value(place) > 0) };
}

/** Given numbers. */
export const given = (dtype: Input['dtype'], shape: Shape, values: readonly number[]): Input => ({
  shape,
  dtype,
  value: place => values[place % values.length]!,
});

/** An input's shape and values at a batch size. */
export function at(batch: number, { shape, dtype, value }: Input) {
  const sizes = shape.map(size => (size === 'batch' ? batch : size));
  const length = sizes.reduce((product, size) => product * size, 1);
  const types = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  const data = new types[dtype](length);
  for (let place = 0; place < length; place++) data[place] = value(place);
  return { data, shape: sizes, dtype };
}
