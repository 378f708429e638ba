/** Operations that move elements and leave their values alone. */
import { backendUtil, sliceUtil, type tfKernels, tfUtil } from '../../internals.js';
import { diagonal } from './create.js';
import {
  axisOf,
  expand,
  type Inputs,
  info,
  type Kernels,
  type List,
  pad,
  type Recorder,
  reshape,
  reverse,
  slice,
  type Traced,
  transpose,
  where,
} from './kernel.js';

const withSize = (shape: readonly number[], axis: number, size: number) => shape.map((d, i) => (i === axis ? size : d));

export function concat(g: Recorder, parts: readonly Traced[], axis: number): Traced {
  backendUtil.assertParamsConsistent(
    parts.map(({ shape }) => [...shape]),
    axis,
  );
  const filled = parts.filter(({ shape }) => shape[axis] !== 0);
  if (filled.length <= 1) return filled[0] ?? parts[0]!;
  const total = filled.reduce((size, { shape }) => size + shape[axis]!, 0);
  return g.op('Concat', filled, filled[0]!.dtype, withSize(filled[0]!.shape, axis, total), { axis });
}

function split(g: Recorder, x: Traced, sizes: readonly number[], axis: number): Traced[] {
  const outputs = sizes.map(size => ({ dtype: x.dtype, shape: withSize(x.shape, axis, size) }));
  return g.ops('Split', [x, g.ints(sizes)], outputs, { axis });
}

/** The positions that an axis is read at when it is continued by its mirror image; `edge` is 1 to repeat the border. */
function mirrored(size: number, [before, after]: readonly [number, number], edge: number): number[] {
  return Array.from({ length: before + size + after }, (_, i) => {
    const at = i - before;
    if (at < 0) return -at - edge;
    return at < size ? at : 2 * (size - 1) - at + edge;
  });
}

export const shapes: Kernels = {
  Reshape: (g, { x }: Inputs<'x'>, { shape }: tfKernels.ReshapeAttrs) =>
    reshape(g, x, tfUtil.inferFromImplicitShape(shape, tfUtil.sizeFromShape([...x.shape]))),
  ExpandDims: (g, { input: x }: Inputs<'input'>, { dim }: tfKernels.ExpandDimsAttrs) =>
    reshape(g, x, x.shape.toSpliced(dim < 0 ? x.shape.length + 1 + dim : dim, 0, 1)),
  Transpose: (g, { x }: Inputs<'x'>, { perm }: tfKernels.TransposeAttrs) => transpose(g, x, perm),
  Slice: (g, { x }: Inputs<'x'>, attributes: tfKernels.SliceAttrs) => {
    const [begin, size] = sliceUtil.parseSliceParams(info(x), attributes.begin, attributes.size);
    return slice(g, x, begin!, size!);
  },
  StridedSlice: (g, { x }: Inputs<'x'>, a: tfKernels.StridedSliceAttrs) => {
    const masks = [a.beginMask, a.endMask, a.ellipsisMask, a.newAxisMask, a.shrinkAxisMask] as const;
    const { begin, end, strides, finalShape } = sliceUtil.sliceInfo([...x.shape], a.begin, a.end, a.strides, ...masks);
    const shape = sliceUtil.computeOutShape(begin, end, strides);
    // A negative end means 'before the first' here and 'from the back' in ONNX.
    const ends = end.map((to, axis) => (strides[axis]! < 0 && to < 0 ? -(2 ** 31) : to));
    const axes = x.shape.map((_, axis) => axis);
    const picked = g.op('Slice', [x, ...[begin, ends, axes, strides].map(g.ints)], x.dtype, shape);
    return reshape(g, picked, finalShape);
  },
  Concat: (g, list: List, { axis }: tfKernels.ConcatAttrs) => {
    const parts = Object.values(list);
    return concat(g, parts, axisOf(axis, parts[0]!));
  },
  SplitV: (g, { x }: Inputs<'x'>, { numOrSizeSplits, axis }: tfKernels.SplitVAttrs) => {
    const along = axisOf(axis, x);
    return split(g, x, backendUtil.prepareSplitSize(info(x) as never, numOrSizeSplits, along), along);
  },
  Pack: (g, list: List, { axis }: tfKernels.PackAttrs) => {
    const parts = Object.values(list);
    const { shape } = parts[0]!;
    const at = axis < 0 ? shape.length + 1 + axis : axis;
    const thick = parts.map(part => reshape(g, part, shape.toSpliced(at, 0, 1)));
    return concat(g, thick, at);
  },
  Unpack: (g, { value: x }: Inputs<'value'>, { axis }: tfKernels.UnpackAttrs) => {
    const along = axisOf(axis, x);
    const ones = Array<number>(x.shape[along]!).fill(1);
    return split(g, x, ones, along).map(part => reshape(g, part, x.shape.toSpliced(along, 1)));
  },
  Tile: (g, { x }: Inputs<'x'>, { reps }: tfKernels.TileAttrs) => {
    const shape = x.shape.map((size, axis) => size * reps[axis]!);
    // What has one element along an axis is the same all along it, which later passes know how to use.
    const isSpread = x.shape.every((size, axis) => size === 1 || reps[axis] === 1);
    return isSpread ? expand(g, x, shape) : g.op('Tile', [x, g.ints(reps)], x.dtype, shape);
  },
  PadV2: (g, { x }: Inputs<'x'>, { paddings, constantValue }: tfKernels.PadV2Attrs) =>
    pad(g, x, paddings, constantValue),
  MirrorPad: (g, { x }: Inputs<'x'>, { paddings, mode }: tfKernels.MirrorPadAttrs) =>
    paddings.reduce((current, sides, axis) => {
      if (sides[0] + sides[1] === 0) return current;
      const at = mirrored(x.shape[axis]!, sides, mode === 'reflect' ? 0 : 1);
      return g.op('Gather', [current, g.ints(at)], x.dtype, withSize(current.shape, axis, at.length), { axis });
    }, x),
  Reverse: (g, { x }: Inputs<'x'>, { dims }: tfKernels.ReverseAttrs) =>
    reverse(g, x, tfUtil.parseAxisParam(dims, [...x.shape])),
  FlipLeftRight: (g, { image }: Inputs<'image'>) => reverse(g, image, [2]),
  Diag: (g, { x }: Inputs<'x'>) => {
    const size = tfUtil.sizeFromShape([...x.shape]);
    const square = where(g, diagonal(g, size), reshape(g, x, [size]), g.scalar(0, x.dtype));
    return reshape(g, square, [...x.shape, ...x.shape]);
  },
  DepthToSpace: (g, { x }: Inputs<'x'>, { blockSize: block, dataFormat }: tfKernels.DepthToSpaceAttrs) => {
    const [b, h, w, c] = channelsLast(x, dataFormat) as [number, number, number, number];
    const depth = c / (block * block);
    const last = dataFormat === 'NHWC';
    const cut = reshape(g, x, last ? [b, h, w, block, block, depth] : [b, block, block, depth, h, w]);
    const mixed = transpose(g, cut, last ? [0, 1, 3, 2, 4, 5] : [0, 3, 4, 1, 5, 2]);
    return reshape(g, mixed, last ? [b, h * block, w * block, depth] : [b, depth, h * block, w * block]);
  },
  SpaceToBatchND: (g, { x }: Inputs<'x'>, { blockShape, paddings }: tfKernels.SpaceToBatchNDAttrs) => {
    const others = x.shape.slice(1 + blockShape.length).map(() => [0, 0]);
    const padded = pad(g, x, [[0, 0], ...paddings, ...others], 0);
    const size = tfUtil.sizeFromShape(blockShape);
    const shape = [...padded.shape];
    const cut = reshape(g, padded, backendUtil.getReshaped(shape, blockShape, size, false));
    const mixed = transpose(g, cut, backendUtil.getPermuted(cut.shape.length, blockShape.length, false));
    return reshape(g, mixed, backendUtil.getReshapedPermuted(shape, blockShape, size, false));
  },
  BatchToSpaceND: (g, { x }: Inputs<'x'>, { blockShape, crops }: tfKernels.BatchToSpaceNDAttrs) => {
    const size = tfUtil.sizeFromShape(blockShape);
    const shape = [...x.shape];
    const cut = reshape(g, x, backendUtil.getReshaped(shape, blockShape, size));
    const mixed = transpose(g, cut, backendUtil.getPermuted(cut.shape.length, blockShape.length));
    const whole = reshape(g, mixed, backendUtil.getReshapedPermuted(shape, blockShape, size));
    const begin = backendUtil.getSliceBeginCoords(crops, blockShape.length);
    const kept = backendUtil.getSliceSize([...whole.shape], crops, blockShape.length);
    return slice(
      g,
      whole,
      [...begin, ...whole.shape.slice(begin.length).map(() => 0)],
      [...kept, ...whole.shape.slice(kept.length)],
    );
  },
};

/** The sizes of a batch of pictures, channels last. */
const channelsLast = ({ shape }: Traced, dataFormat: string): number[] =>
  dataFormat === 'NHWC' ? [...shape] : [shape[0]!, shape[2]!, shape[3]!, shape[1]!];
