/**
 * Averages over boxes of a grid of features (He et al. 2017, arXiv 1703.06870), as torchvision's `roi_align` reckons:
 * each cell of a box is the mean of a few points, each interpolated between its four neighbours. Made of gathers, so
 * that it has a gradient and compiles.
 */
import { InputError } from '../../errors.js';
import {
  add,
  cast,
  clipByValue,
  concat,
  floor,
  gather,
  greaterEqual,
  lessEqual,
  logicalAnd,
  maximum,
  mean,
  minimum,
  mul,
  reshape,
  scalar,
  slice,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  zeros,
} from '../tfjs.js';

export interface RoiAlignOptions {
  /** Cells of a box. */
  size: readonly [rows: number, columns: number];
  /** Features to one unit of the boxes' coordinates: 1/16 for boxes in pixels and patches of 16; default 1. */
  scale?: number;
  /**
   * Points along each side of a cell. `adaptive`, the default, takes as many as the cell is features long, which needs
   * the boxes' values: where they are inputs of a compiled function, give a number.
   */
  sampling?: number | 'adaptive';
  /** Whether the centre of the first feature lies at 0.5 (default) or at 0; then boxes are at least one feature long. */
  aligned?: boolean;
}

/**
 * @param features `[b, h, w, c]`.
 * @param boxes `[k, 4]`: left, top, right, bottom.
 * @param images `[k]`, int32: which of the `b` each box lies in; it is not checked.
 * @returns `[k, rows, columns, c]`; points further than one feature outside the grid count as 0. It has a gradient with
 *   respect to the features alone.
 * @throws InputError when a shape, a type or an option is another.
 */
export function roiAlign(
  features: Tensor4D,
  boxes: Tensor2D,
  images: Tensor1D,
  { size, scale = 1, sampling = 'adaptive', aligned = true }: RoiAlignOptions,
): Tensor4D {
  check(features, boxes, images, { size, scale, sampling });
  const grid: Grid = { features, size, scale, aligned };
  if (boxes.shape[0] === 0) return nothing(grid, 0);
  if (sampling !== 'adaptive') return align(grid, boxes, images, [sampling, sampling]);

  const groups = bySampling(grid, boxes.dataSync<'float32'>());
  if (groups.length === 1) return align(grid, boxes, images, groups[0]!.points);
  const parts = groups.map(({ points, members }) => {
    const which = tensor1d(members, 'int32');
    return align(grid, gather(boxes, which), gather(images, which), points);
  });
  const place = new Int32Array(boxes.shape[0]);
  groups
    .flatMap(({ members }) => members)
    .forEach((box, at) => {
      place[box] = at;
    });
  return gather(concat(parts, 0), tensor1d(place, 'int32'));
}

interface Grid {
  readonly features: Tensor4D;
  readonly size: RoiAlignOptions['size'];
  readonly scale: number;
  readonly aligned: boolean;
}

type Points = readonly [rows: number, columns: number];

/** Boxes by the number of points that their cells take along each side. */
function bySampling({ size, scale, aligned }: Grid, boxes: Float32Array): { points: Points; members: number[] }[] {
  const groups = new Map<string, { points: Points; members: number[] }>();
  const shift = aligned ? 0.5 : 0;
  // Rounded as the reference rounds, so that both take the same whole number.
  const end = (at: number) => Math.fround(Math.fround(boxes[at]! * Math.fround(scale)) - shift);
  for (let box = 0; box < boxes.length / 4; box++) {
    const count = (axis: 0 | 1) => {
      const length = Math.fround(end(4 * box + 3 - axis) - end(4 * box + 1 - axis));
      return Math.max(0, Math.ceil(Math.fround((aligned ? length : Math.max(length, 1)) / size[axis])));
    };
    const points: Points = [count(0), count(1)];
    const group = groups.get(String(points)) ?? { points, members: [] };
    groups.set(String(points), group);
    group.members.push(box);
  }
  return [...groups.values()];
}

const nothing = ({ features, size }: Grid, boxes: number): Tensor4D => zeros([boxes, ...size, features.shape[3]]);

/** The same number of points in every cell. */
function align(grid: Grid, boxes: Tensor2D, images: Tensor1D, points: Points): Tensor4D {
  const [count] = boxes.shape;
  const [, height, width, channels] = grid.features.shape;
  const [rows, columns] = grid.size;
  if (points[0] === 0 || points[1] === 0) return nothing(grid, count);
  const down = neighbours(grid, boxes, 0, points[0]);
  const across = neighbours(grid, boxes, 1, points[1]);
  const flat = reshape<Tensor2D>(grid.features, [-1, channels]);
  const first = reshape(mul(images, scalar(height, 'int32')), [count, 1, 1]);
  const corners = down.flatMap(row =>
    across.map(column => {
      const line = mul(add(first, reshape(row.index, [count, -1, 1])), scalar(width, 'int32'));
      const index = add(line, reshape(column.index, [count, 1, -1])); // [k, rows * points, columns * points]
      const weight = mul(reshape(row.weight, [count, -1, 1, 1]), reshape(column.weight, [count, 1, -1, 1]));
      return mul(gather(flat, index as Tensor1D), weight);
    }),
  );
  const all = corners.reduce((total, corner) => add(total, corner));
  return mean(reshape(all, [count, rows, points[0], columns, points[1], channels]), [2, 4]);
}

interface Neighbour {
  /** Along one axis, int32 `[k, cells * points]`. */
  readonly index: Tensor;
  readonly weight: Tensor;
}

/** The features before and after each point of the boxes along an axis, and the shares that a point takes of them. */
function neighbours({ features, size, scale, aligned }: Grid, boxes: Tensor2D, axis: 0 | 1, points: number) {
  const last = features.shape[axis + 1]! - 1;
  const end = (column: number) => {
    const at = mul(slice(boxes, [0, column], [-1, 1]), scale); // [k, 1]
    return aligned ? sub(at, 0.5) : at;
  };
  const start = end(1 - axis);
  const length = sub(end(3 - axis), start);
  const cell = mul(aligned ? length : maximum(length, 1), 1 / size[axis]);
  const steps = Float32Array.from({ length: size[axis] * points }, (_, i) => (i + 0.5) / points);
  const at = add(start, mul(cell, tensor2d(steps, [1, steps.length])));
  const inside = cast(logicalAnd(greaterEqual(at, -1), lessEqual(at, last + 1)), 'float32');
  const clipped = clipByValue(at, 0, last);
  const low = floor(clipped);
  const share = sub(clipped, low);
  const index = cast(low, 'int32');
  return [
    { index, weight: mul(sub(1, share), inside) },
    { index: minimum(add(index, scalar(1, 'int32')), scalar(last, 'int32')), weight: mul(share, inside) },
  ] satisfies Neighbour[];
}

function check(
  features: Tensor4D,
  boxes: Tensor2D,
  images: Tensor1D,
  { size, scale, sampling }: Required<Pick<RoiAlignOptions, 'size' | 'scale' | 'sampling'>>,
): void {
  const [got, of] = [boxes.shape as number[], features.shape as number[]];
  if (of.length !== 4 || features.dtype !== 'float32') {
    throw new InputError(`roiAlign: expected features float32 [b, h, w, c], got ${features.dtype} [${of}]`);
  }
  if (got.length !== 2 || got[1] !== 4 || boxes.dtype !== 'float32') {
    throw new InputError(`roiAlign: expected boxes float32 [k, 4], got ${boxes.dtype} [${got}]`);
  }
  if (String(images.shape) !== String([got[0]]) || images.dtype !== 'int32') {
    throw new InputError(`roiAlign: expected images int32 [${got[0]}], got ${images.dtype} [${images.shape}]`);
  }
  const isCount = (n: number) => Number.isInteger(n) && n > 0;
  if (size.length !== 2 || !size.every(isCount)) {
    throw new InputError(`roiAlign: size: expected positive whole rows and columns, got [${size}]`);
  }
  if (sampling !== 'adaptive' && !isCount(sampling)) {
    throw new InputError(`roiAlign: sampling: expected 'adaptive' or a positive whole number, got ${sampling}`);
  }
  if (!(scale > 0 && Number.isFinite(scale))) {
    throw new InputError(`roiAlign: scale: expected a positive number, got ${scale}`);
  }
}
