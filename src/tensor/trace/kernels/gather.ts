import type { tfKernels } from '../../internals.js';
import {
  axisOf,
  binary,
  cast,
  type Inputs,
  type Kernels,
  reshape,
  type TensorType,
  transpose,
  where,
  whole,
} from './kernel.js';

export const gathers: Kernels = {
  GatherV2: (
    g,
    { x, indices }: Inputs<'x' | 'indices'>,
    { axis: given, batchDims: batch }: tfKernels.GatherV2Attrs,
  ) => {
    const axis = axisOf(given, x);
    if (batch === 0) {
      const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
      return g.op('Gather', [x, indices], x.dtype, shape, { axis });
    }
    // The operator for batches takes the first axis after them, so the axes between are moved behind, and back.
    const axes = x.shape.map((_, i) => i);
    const ahead = transpose(g, x, [...axes.slice(0, batch), axis, ...axes.slice(batch, axis), ...axes.slice(axis + 1)]);
    const each = cast(g, reshape(g, indices, [...indices.shape, 1]), 'int64');
    const shape = [...indices.shape, ...ahead.shape.slice(batch + 1)];
    const picked = g.op('GatherND', [ahead, each], x.dtype, shape, { batch_dims: batch });
    const last = indices.shape.length;
    const between = axis - batch;
    const places = shape.map((_, i) => i);
    return transpose(g, picked, [
      ...places.slice(0, batch),
      ...places.slice(last, last + between),
      ...places.slice(batch, last),
      ...places.slice(last + between),
    ]);
  },
  GatherNd: (g, { params, indices }: Inputs<'params' | 'indices'>) => {
    const depth = indices.shape.at(-1)!;
    const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(depth)];
    return g.op('GatherND', [params, cast(g, indices, 'int64')], params.dtype, shape);
  },
  OneHot: (g, { indices }: Inputs<'indices'>, { depth, onValue, offValue, dtype }: tfKernels.OneHotAttrs) => {
    const shape = [...indices.shape, depth];
    const choose = g.data(Float32Array.of(offValue, onValue), 'float32', [2]);
    // The operator counts a negative index from the back; here it is nowhere, like one that is too large.
    const index = cast(g, indices, 'int64');
    const place = where(g, binary(g, 'Less', index, whole(g, 0), 'bool'), whole(g, depth), index);
    const hot = g.op('OneHot', [place, g.ints([depth]), choose], 'float32', shape, { axis: -1 });
    return cast(g, hot, dtype as TensorType);
  },
};
