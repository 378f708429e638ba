/** Resizing of pictures `[batch, rows, columns, channels]` as TensorFlow.js does it, and its gradients. */
import type { tfKernels } from '../../internals.js';
import { cast, type Inputs, type Kernels, type Recorder, reshape, type Traced } from './kernel.js';

/** How far one step of an axis goes in the input. */
function stepOf(inputs: number, outputs: number, alignCorners: boolean): number {
  return alignCorners && outputs > 1 ? (inputs - 1) / (outputs - 1) : inputs / outputs;
}

/** The input that each output is nearest to. */
function nearest(inputs: number, outputs: number, alignCorners: boolean, halfPixelCenters: boolean): number[] {
  const step = stepOf(inputs, outputs, alignCorners);
  return Array.from({ length: outputs }, (_, o) => {
    const at = step * (halfPixelCenters ? o + 0.5 : o);
    return Math.min(inputs - 1, alignCorners ? Math.round(at) : Math.floor(at));
  });
}

/** Weights `[inputs, outputs]`, of which each output's gradient takes a column. */
function columns(inputs: number, outputs: number, weights: (o: number) => readonly [at: number, weight: number][]) {
  const matrix = new Float32Array(inputs * outputs);
  for (let o = 0; o < outputs; o++) {
    for (const [at, weight] of weights(o)) matrix[at * outputs + o]! += weight;
  }
  return matrix;
}

/** The gradient as one product along each axis. */
function backwards(
  g: Recorder,
  dy: Traced,
  images: Traced,
  weights: (inputs: number, outputs: number) => (o: number) => readonly [at: number, weight: number][],
): Traced {
  const [batch, rows, across, channels] = dy.shape as [number, number, number, number];
  const [, height, width] = images.shape as [number, number, number, number];
  const matrix = (inputs: number, outputs: number) =>
    g.data(columns(inputs, outputs, weights(inputs, outputs)), 'float32', [inputs, outputs]);
  const flat = reshape(g, dy, [batch, rows, across * channels]);
  const tall = g.op('MatMul', [matrix(height, rows), flat], 'float32', [batch, height, across * channels]);
  const lines = reshape(g, tall, [batch, height, across, channels]);
  return g.op('MatMul', [matrix(width, across), lines], 'float32', [batch, height, width, channels]);
}

export const resizes: Kernels = {
  ResizeBilinear: (g, { images }: Inputs<'images'>, a: tfKernels.ResizeBilinearAttrs) => {
    const shape = [images.shape[0]!, ...a.size, images.shape[3]!];
    const coordinates = a.alignCorners ? 'align_corners' : a.halfPixelCenters ? 'half_pixel' : 'asymmetric';
    const inputs = [cast(g, images, 'float32'), undefined, undefined, g.ints(shape)];
    return g.op('Resize', inputs, 'float32', shape, {
      mode: 'linear',
      coordinate_transformation_mode: coordinates,
    });
  },
  ResizeNearestNeighbor: (g, { images }: Inputs<'images'>, a: tfKernels.ResizeNearestNeighborAttrs) =>
    a.size.reduce((x, outputs, i) => {
      const axis = i + 1;
      const at = nearest(x.shape[axis]!, outputs, a.alignCorners, a.halfPixelCenters);
      const shape = x.shape.with(axis, outputs);
      return g.op('Gather', [x, g.ints(at)], x.dtype, shape, { axis });
    }, images),
  // TensorFlow.js takes no account of half pixels in either gradient, and nor does this, so that both give the same.
  ResizeBilinearGrad: (g, { images, dy }: Inputs<'images' | 'dy'>, a: tfKernels.ResizeBilinearGradAttrs) =>
    backwards(g, dy, images, (inputs, outputs) => {
      const step = stepOf(inputs, outputs, a.alignCorners);
      return o => {
        const at = o * step;
        const low = Math.floor(at);
        return [
          [low, 1 - (at - low)],
          [Math.min(Math.ceil(at), inputs - 1), at - low],
        ];
      };
    }),
  ResizeNearestNeighborGrad: (
    g,
    { images, dy }: Inputs<'images' | 'dy'>,
    { alignCorners }: tfKernels.ResizeNearestNeighborGradAttrs,
  ) =>
    backwards(g, dy, images, (inputs, outputs) => {
      const at = nearest(inputs, outputs, alignCorners, false);
      return o => [[at[o]!, 1]];
    }),
};
