/**
 * Operations that put elements at given places. ONNX Runtime's `ScatterND` adds to one place from several threads at
 * once and loses some of it (microsoft/onnxruntime#18048), so what must add up goes through `ScatterElements`.
 */
import { type tfKernels, tfUtil } from '../../internals.js';
import { fill } from './create.js';
import {
  binary,
  cast,
  expand,
  type Inputs,
  type Kernels,
  like,
  type Recorder,
  reshape,
  slice,
  type Traced,
  where,
  whole,
} from './kernel.js';

const product = (shape: readonly number[]): number => tfUtil.sizeFromShape([...shape]);

/** Rows added up in `rows` places: `index` `[n]`, `updates` `[n, width]` -> `[rows, width]`. */
export function addRows(g: Recorder, rows: number, index: Traced, updates: Traced): Traced {
  const [count, width] = updates.shape as [number, number];
  const everywhere = expand(g, reshape(g, index, [count, 1]), [count, width]);
  const nothing = fill(g, [rows, width], 0, updates.dtype);
  const attributes = { axis: 0, reduction: 'add' };
  return g.op('ScatterElements', [nothing, everywhere, updates], updates.dtype, [rows, width], attributes);
}

export const scatters: Kernels = {
  ScatterNd: (g, { indices, updates }: Inputs<'indices' | 'updates'>, { shape }: tfKernels.ScatterNdAttrs) => {
    const depth = indices.shape.at(-1)!;
    const [outer, inner] = [shape.slice(0, depth), shape.slice(depth)];
    const count = product(indices.shape.slice(0, -1));
    const strides = outer.map((_, axis) => product(outer.slice(axis + 1)));
    const scaled = like(g, 'Mul', cast(g, reshape(g, indices, [count, depth]), 'int64'), [g.ints(strides)]);
    const index = g.op('ReduceSum', [scaled, g.ints([1])], 'int64', [count], { keepdims: 0 });
    const rows = addRows(g, product(outer), index, reshape(g, updates, [count, product(inner)]));
    return reshape(g, rows, shape);
  },
  TensorScatterUpdate: (g, { tensor, indices, updates }: Inputs<'tensor' | 'indices' | 'updates'>) =>
    like(g, 'ScatterND', tensor, [cast(g, indices, 'int64'), updates]),
  UnsortedSegmentSum: (
    g,
    { x, segmentIds }: Inputs<'x' | 'segmentIds'>,
    { numSegments }: tfKernels.UnsortedSegmentSumAttrs,
  ) => {
    const [count, ...inner] = x.shape as [number, ...number[]];
    // What belongs to no segment goes to one more, which is dropped.
    const id = cast(g, segmentIds, 'int64');
    const outside = like(g, 'Or', binary(g, 'Less', id, whole(g, 0), 'bool'), [
      binary(g, 'GreaterOrEqual', id, whole(g, numSegments), 'bool'),
    ]);
    const place = where(g, outside, whole(g, numSegments), id);
    const rows = addRows(g, numSegments + 1, place, cast(g, reshape(g, x, [count, product(inner)]), 'float32'));
    return reshape(g, slice(g, rows, [0, 0], [numSegments, product(inner)]), [numSegments, ...inner]);
  },
};
