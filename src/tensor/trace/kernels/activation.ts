/** Non-linearities, alone and as parts of fused operations. */
import { backendUtil, type tfKernels } from '../../internals.js';
import { clip } from './elementwise.js';
import {
  binary,
  broadcastShape,
  cast,
  expand,
  type Inputs,
  type Kernel,
  type Kernels,
  like,
  type Recorder,
  refuse,
  type Traced,
  throughFloat,
  where,
} from './kernel.js';

const leaky = (g: Recorder, x: Traced, alpha: number): Traced =>
  g.op('LeakyRelu', [x], x.dtype, x.shape, { alpha: { float: alpha } });

/** `x` where it is positive, else `x` times a slope of its own. */
function prelu(g: Recorder, x: Traced, slopes: Traced): Traced {
  const wide = expand(g, x, broadcastShape(x, slopes));
  return like(g, 'PRelu', wide, [slopes]);
}

/** What fused operations say of their last step. */
export interface FusedActivation {
  activation?: string | undefined;
  leakyreluAlpha?: number | undefined;
}

/** The last step of a fused operation. */
export function activate(g: Recorder, x: Traced, { activation, leakyreluAlpha }: FusedActivation, slopes?: Traced) {
  switch (activation ?? 'linear') {
    case 'linear':
      return x;
    case 'relu':
      return like(g, 'Relu', x);
    case 'relu6':
      return clip(g, x, 0, 6);
    case 'sigmoid':
      return like(g, 'Sigmoid', x);
    case 'elu':
      return like(g, 'Elu', x);
    case 'leakyrelu':
      return leaky(g, x, leakyreluAlpha ?? 0.2);
    case 'prelu':
      return prelu(g, x, slopes!);
    default:
      return refuse(`the function uses the activation '${activation}'`);
  }
}

/** Those that both sides call by the same name. */
const sameName: Kernels = Object.fromEntries(
  ['Elu', 'Sigmoid', 'Softplus', 'Tanh'].map(name => [
    name,
    ((g, { x }: Inputs<'x'>) => throughFloat(g, [x], y => like(g, name, y!))) satisfies Kernel,
  ]),
);

export const activations: Kernels = {
  ...sameName,
  Relu: (g, { x }: Inputs<'x'>) => like(g, 'Relu', x),
  Relu6: (g, { x }: Inputs<'x'>) => clip(g, x, 0, 6),
  Selu: (g, { x }: Inputs<'x'>) => {
    const { SELU_SCALE: scale, SELU_SCALEALPHA: both } = backendUtil;
    return throughFloat(g, [x], y =>
      g.op('Selu', [y], 'float32', x.shape, { gamma: { float: scale }, alpha: { float: both / scale } }),
    );
  },
  LeakyRelu: (g, { x }: Inputs<'x'>, { alpha }: tfKernels.LeakyReluAttrs) => leaky(g, cast(g, x, 'float32'), alpha),
  Prelu: (g, { x, alpha }: Inputs<'x' | 'alpha'>) => prelu(g, cast(g, x, 'float32'), cast(g, alpha, 'float32')),
  Step: (g, { x }: Inputs<'x'>, { alpha }: tfKernels.StepAttrs) => {
    const step = where(g, binary(g, 'Greater', x, g.scalar(0, x.dtype), 'bool'), one(g, x), g.scalar(alpha, x.dtype));
    return x.dtype === 'float32' ? where(g, g.op('IsNaN', [x], 'bool', x.shape), x, step) : step;
  },
  EluGrad: (g, { dy, y }: Inputs<'dy' | 'y'>) => {
    const slope = like(g, 'Add', y, [one(g, y)]);
    const positive = binary(g, 'GreaterOrEqual', y, g.scalar(0, y.dtype), 'bool');
    return where(g, positive, dy, like(g, 'Mul', dy, [slope]));
  },
};

const one = (g: Recorder, { dtype }: Traced) => g.scalar(1, dtype);
