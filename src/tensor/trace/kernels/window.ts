/** What convolutions and pools have in common: a window that moves over rows and columns. */
import { backendUtil } from '../../internals.js';
import { type Recorder, type Traced, transpose } from './kernel.js';

/** Sizes of rows and columns. */
export type Pair = readonly [rows: number, columns: number];

export interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  /** How far the first window reaches over the edge. */
  readonly before: Pair;
  /** How far the last window does. */
  readonly after: Pair;
  /** Rows and columns at the end that no window reaches: what a stride leaves over. */
  readonly rest: Pair;
  readonly input: Pair;
  readonly output: Pair;
}

type ConvInfo = ReturnType<typeof backendUtil.computeConv2DInfo>;

/**
 * The window of a layer, with the edges that its number of outputs implies: an output too many reads over the edge, an
 * output too few leaves something over, however the number came to be rounded.
 */
function windowOf(c: ConvInfo): Window {
  const kernel = [c.filterHeight, c.filterWidth] as const;
  const strides = [c.strideHeight, c.strideWidth] as const;
  const dilations = [c.dilationHeight, c.dilationWidth] as const;
  const before = [c.padInfo.top, c.padInfo.left] as const;
  const input = [c.inHeight, c.inWidth] as const;
  const output = [c.outHeight, c.outWidth] as const;
  const over = (axis: 0 | 1) => {
    const covered = (output[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1;
    return covered - before[axis] - input[axis];
  };
  const after = [Math.max(0, over(0)), Math.max(0, over(1))] as const;
  const rest = [Math.max(0, -over(0)), Math.max(0, -over(1))] as const;
  return { kernel, strides, dilations, before, after, rest, input, output };
}

/** How TensorFlow.js says what a window does. */
export interface WindowAttributes {
  strides: [number, number] | number;
  pad: Parameters<typeof backendUtil.computeConv2DInfo>[4];
  dilations?: [number, number] | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  dataFormat?: 'NHWC' | 'NCHW';
}

export type Format = 'NHWC' | 'NCHW';

/** The window of a convolution, from the shapes of its input and filter. */
export function filterWindow(input: readonly number[], filter: readonly number[], a: WindowAttributes): Window {
  const { strides, pad, dilations = 1, dimRoundingMode: mode, dataFormat = 'NHWC' } = a;
  const shapes = [[...input], [...filter]] as [[number, number, number, number], [number, number, number, number]];
  const format = backendUtil.convertConv2DDataFormat(dataFormat);
  return windowOf(backendUtil.computeConv2DInfo(...shapes, strides, dilations, pad, mode, false, format));
}

/** The window of a pool. */
export function poolWindow(
  input: readonly number[],
  a: WindowAttributes & { filterSize: [number, number] | number },
): Window {
  const shape = [...input] as [number, number, number, number];
  const { filterSize, strides, dilations = 1, pad, dimRoundingMode: mode } = a;
  return windowOf(backendUtil.computePool2DInfo(shape, filterSize, strides, dilations, pad, mode));
}

/** A window as attributes of an operator. */
export const windowAttributes = ({ strides, before, after }: Window) => ({
  strides: [...strides],
  pads: [...before, ...after],
});

/** Pictures with their channels before the rows, which is how graphs have them. */
export const channelsFirst = (g: Recorder, x: Traced, format: Format = 'NHWC'): Traced =>
  format === 'NCHW' ? x : transpose(g, x, [0, 3, 1, 2]);

/** Back to where the channels were. */
export const channelsBack = (g: Recorder, x: Traced, format: Format = 'NHWC'): Traced =>
  format === 'NCHW' ? x : transpose(g, x, [0, 2, 3, 1]);
