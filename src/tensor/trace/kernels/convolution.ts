/** Convolutions, each channel with all or each by itself, and their gradients. */
import { activate, type FusedActivation } from './activation.js';
import { binary, type Inputs, type Kernels, type Recorder, reshape, slice, type Traced, transpose } from './kernel.js';
import {
  channelsBack,
  channelsFirst,
  type Format,
  filterWindow,
  type Window,
  type WindowAttributes,
  windowAttributes,
} from './window.js';

/** A filter as graphs have it, `[out, in, rows, columns]`, of `[rows, columns, in, out]`. */
const filterOut = (g: Recorder, filter: Traced): Traced => transpose(g, filter, [3, 2, 0, 1]);

/** A filter of each channel by itself, `[in x many, 1, rows, columns]`, of `[rows, columns, in, many]`. */
function filterAlone(g: Recorder, filter: Traced): Traced {
  const [rows, columns, channels, many] = filter.shape as [number, number, number, number];
  return reshape(g, transpose(g, filter, [2, 3, 0, 1]), [channels * many, 1, rows, columns]);
}

interface Layer {
  readonly window: Window;
  /** In ONNX' layout. */
  readonly filter: Traced;
  /** Groups of channels that do not mix. */
  readonly group: number;
}

/** Shapes `[batch, channels, rows, columns]` throughout. */
function convolve(g: Recorder, x: Traced, { window, filter, group }: Layer, bias?: Traced): Traced {
  const attributes = { ...windowAttributes(window), dilations: [...window.dilations], group };
  const shape = [x.shape[0]!, filter.shape[0]!, ...window.output];
  return g.op('Conv', bias ? [x, filter, bias] : [x, filter], x.dtype, shape, attributes);
}

/** The gradient with respect to the input; what the stride left over has none. */
function spread(g: Recorder, dy: Traced, { window, filter, group }: Layer): Traced {
  const attributes = { ...windowAttributes(window), dilations: [...window.dilations], group };
  const shape = [dy.shape[0]!, filter.shape[1]! * group, ...window.input];
  return g.op('ConvTranspose', [dy, filter], dy.dtype, shape, { ...attributes, output_padding: [...window.rest] });
}

/**
 * The gradient with respect to the filter: a convolution of the input with the gradient, in which strides and dilations
 * change places, as do batch and channels, so that it is the batch that is summed over.
 */
function correlate(g: Recorder, x: Traced, dy: Traced, window: Window, group: number): Traced {
  const { kernel, strides, dilations, rest } = window;
  const swapped = { ...windowAttributes(window), strides: [...dilations], dilations: [...strides], group };
  // What the stride left over shows as more places for the window, which are dropped.
  const places = ([0, 1] as const).map(axis => kernel[axis] + Math.floor(rest[axis] / dilations[axis]));
  const all = g.op('Conv', [x, dy], x.dtype, [x.shape[0]!, dy.shape[0]!, ...places], swapped);
  return slice(g, all, [0, 0, 0, 0], [...all.shape.slice(0, 2), ...kernel]);
}

type ToInput = WindowAttributes & { inputShape: readonly number[] };
type ToFilter = WindowAttributes & { filterShape: readonly number[] };

interface FusedInputs extends Inputs<'x' | 'filter', 'bias' | 'preluActivationWeights'> {}

/** A convolution with the steps that may be fused with it. */
function fusedLayer(
  g: Recorder,
  { x, bias, preluActivationWeights: slopes }: FusedInputs,
  layer: Layer,
  format: Format | undefined,
  fused: FusedActivation,
): Traced {
  const channels = layer.filter.shape[0]!;
  const inside = bias?.shape.length === 1 && bias.shape[0] === channels ? bias : undefined;
  const convolved = convolve(g, channelsFirst(g, x, format), layer, inside);
  if ((bias && !inside) || slopes) {
    const back = channelsBack(g, convolved, format);
    const shifted = bias && !inside ? binary(g, 'Add', back, bias) : back;
    return activate(g, shifted, fused, slopes && alongChannels(g, slopes, format));
  }
  return channelsBack(g, activate(g, convolved, fused), format);
}

/** One number a channel, so that it meets the channels of pictures that have them first. */
const alongChannels = (g: Recorder, x: Traced, format: Format | undefined): Traced =>
  format === 'NCHW' && x.shape.length === 1 && x.shape[0] !== 1 ? reshape(g, x, [x.shape[0]!, 1, 1]) : x;

const together = (g: Recorder, x: readonly number[], filter: Traced, a: WindowAttributes): Layer => ({
  window: filterWindow(x, filter.shape, a),
  filter: filterOut(g, filter),
  group: 1,
});

const alone = (g: Recorder, x: readonly number[], filter: Traced, a: WindowAttributes): Layer => ({
  window: filterWindow(x, filter.shape, a),
  filter: filterAlone(g, filter),
  group: filter.shape[2]!,
});

export const convolutions: Kernels = {
  Conv2D: (g, inputs: Inputs<'x' | 'filter'>, a: WindowAttributes) =>
    fusedLayer(g, inputs, together(g, inputs.x.shape, inputs.filter, a), a.dataFormat, {}),
  FusedConv2D: (g, inputs: FusedInputs, a: WindowAttributes & FusedActivation) =>
    fusedLayer(g, inputs, together(g, inputs.x.shape, inputs.filter, a), a.dataFormat, a),
  DepthwiseConv2dNative: (g, inputs: Inputs<'x' | 'filter'>, a: WindowAttributes) =>
    fusedLayer(g, inputs, alone(g, inputs.x.shape, inputs.filter, a), a.dataFormat, {}),
  FusedDepthwiseConv2D: (g, inputs: FusedInputs, a: WindowAttributes & FusedActivation) =>
    fusedLayer(g, inputs, alone(g, inputs.x.shape, inputs.filter, a), a.dataFormat, a),

  Conv2DBackpropInput: (g, { dy, filter }: Inputs<'dy' | 'filter'>, a: ToInput) =>
    channelsBack(g, spread(g, channelsFirst(g, dy, a.dataFormat), together(g, a.inputShape, filter, a)), a.dataFormat),
  DepthwiseConv2dNativeBackpropInput: (g, { dy, filter }: Inputs<'dy' | 'filter'>, a: ToInput) =>
    channelsBack(g, spread(g, channelsFirst(g, dy), alone(g, a.inputShape, filter, a))),

  Conv2DBackpropFilter: (g, { x, dy }: Inputs<'x' | 'dy'>, a: ToFilter) => {
    const window = filterWindow(x.shape, a.filterShape, a);
    const channelsAhead = a.dataFormat === 'NCHW' ? [1, 0, 2, 3] : [3, 0, 1, 2];
    // [in, out, rows, columns]
    const made = correlate(g, transpose(g, x, channelsAhead), transpose(g, dy, channelsAhead), window, 1);
    return transpose(g, made, [2, 3, 0, 1]);
  },
  DepthwiseConv2dNativeBackpropFilter: (g, { x, dy }: Inputs<'x' | 'dy'>, a: ToFilter) => {
    const window = filterWindow(x.shape, a.filterShape, a);
    const [batch, , , channels] = x.shape as [number, number, number, number];
    const many = a.filterShape[3]!;
    const ahead = reshape(g, transpose(g, x, [3, 0, 1, 2]), [1, channels * batch, ...window.input]);
    // [1, in x many, rows, columns]
    const made = correlate(g, ahead, transpose(g, dy, [3, 0, 1, 2]), window, channels);
    return transpose(g, reshape(g, made, [channels, many, ...window.kernel]), [2, 3, 0, 1]);
  },
};
