/** Values from nothing. */
import type { tfKernels } from '../../internals.js';
import { type Builder, type Dim, type Elements, type ElementType, elementsOf, type Value } from '../graph.js';
import { binary, cast, type Kernels, type Recorder, reshape, type TensorType, type Traced, whole } from './kernel.js';

/** The same number everywhere: one element and a shape, however large. */
export function fill<D extends Dim>(g: Builder<D>, shape: readonly D[], value: number, dtype: ElementType): Value<D> {
  const one = g.scalar(value, dtype);
  return shape.length === 0 ? one : g.op('Expand', [one, g.ints(shape)], dtype, shape);
}

/**
 * Known elements, copied, as a value. Equal ones are not kept one by one, be they few: their number may follow the batch, as
 * does that of the ones which the gradient of a mean is made of.
 */
export function constant<D extends Dim>(
  g: Builder<D>,
  data: Elements,
  dtype: ElementType,
  shape: readonly D[],
): Value<D> {
  if (data.length < 2 || !isUniform(data)) return g.data(data.slice(), dtype, shape);
  const { length } = data;
  const [first] = data as unknown as [number];
  const value = fill(g, shape, first, dtype);
  value.recipe = { read: () => elementsOf(dtype, { length }).fill(first) };
  return value;
}

/** Which places of a square matrix are on its diagonal: bool `[size, size]`. */
export function diagonal(g: Recorder, size: number): Traced {
  const numbers = g.op('Range', [whole(g, 0), whole(g, size), whole(g, 1)], 'int64', [size]);
  return binary(g, 'Equal', reshape(g, numbers, [size, 1]), numbers, 'bool');
}

/** Elements that the function made itself, copied: as `constant`, and an identity matrix, whose size may follow the batch. */
export function written(g: Recorder, data: Elements, dtype: TensorType, shape: readonly number[]): Traced {
  const [rows, columns] = shape;
  if (shape.length !== 2 || rows !== columns || rows! < 2 || !isIdentity(data, rows!)) {
    return constant(g, data, dtype, shape);
  }
  const value = cast(g, diagonal(g, rows!), dtype);
  const kept = data.slice();
  value.recipe = { read: () => kept };
  return value;
}

function isIdentity(data: Elements, size: number): boolean {
  for (let i = 0; i < data.length; i++) if (data[i] !== Number(i % (size + 1) === 0)) return false;
  return true;
}

/** Whether all elements are the same; a plain loop, for there may be millions. */
function isUniform(data: Elements): boolean {
  const [first] = data as unknown as [number];
  for (let i = 1; i < data.length; i++) if (!Object.is(data[i], first)) return false;
  return true;
}

export const creations: Kernels = {
  Fill: (g, _: object, { shape, value, dtype }: tfKernels.FillAttrs) =>
    fill(g, shape, Number(value), dtype as ElementType),
  Range: (g, _: object, { start, stop, step: given, dtype }: tfKernels.RangeAttrs) => {
    const step = stop < start && given === 1 ? -1 : given;
    const count = Math.max(0, Math.ceil((stop - start) / step));
    if (dtype !== 'int32') {
      const values = Array.from({ length: count }, (_, i) => start + i * step);
      return g.data(elementsOf(dtype, values), dtype, [count]);
    }
    // Whole numbers may follow the batch, so they are counted where the graph runs.
    const ends = [start, stop, step].map(end => whole(g, end));
    return cast(g, g.op('Range', ends, 'int64', [count]), 'int32');
  },
};
