import { InputError } from '../errors.js';
import { gradientError } from './gradientError.js';
import { dropTape, engine, TensorClass, tfUtil } from './internals.js';
import { type Tensor, zeros } from './tfjs.js';
import { leavesOf, restructure, type Structure } from './trace/structure.js';

export interface LossAndGradients<W> {
  readonly loss: Tensor;
  /** In the structure of the weights, zero for those that the loss does not depend on. */
  readonly gradients: W;
}

/**
 * A loss and its gradients with respect to weights, eagerly or while a function is compiled; `enableGradients` first.
 *
 *     const { loss, gradients } = lossAndGradients(w => meanSquare(model(w, x), y), weights);
 *
 * @param weights float32 tensors in lists and records. `f` may use them as they are given to it or from outside.
 * @throws InputError when a weight has been disposed, or `f` gives no single number, or one that depends on no weight.
 */
export function lossAndGradients<W extends Structure>(f: (weights: W) => Tensor, weights: W): LossAndGradients<W> {
  const leaves = leavesOf(weights);
  for (const { path, tensor } of leaves) {
    if (tensor.dtype === 'float32' && !tensor.isDisposed) continue;
    const got = tensor.isDisposed ? 'one that has been disposed' : tensor.dtype;
    throw new InputError(`lossAndGradients: expected float32 weights, got ${got} at '${path.join('.')}'`);
  }
  const tensors = leaves.map(({ tensor }) => tensor);
  const { value, grads } = gradientsOf(() => checkedLoss(f(weights)), tensors);
  if (grads.every(gradient => !gradient)) {
    throw new InputError('lossAndGradients: the loss depends on none of the weights; compute it from those given');
  }
  const gradients = grads.map((gradient, i) => gradient ?? zeros(tensors[i]!.shape));
  return { loss: value, gradients: restructure(weights, gradients) as W };
}

/** Leaves nothing behind where `f` fails. */
function gradientsOf(f: () => Tensor, tensors: readonly Tensor[]) {
  try {
    return engine().gradients(f, tensors, undefined, true);
  } catch (error) {
    dropTape();
    throw gradientError(error);
  }
}

function checkedLoss(loss: Tensor): Tensor {
  const isTensor = loss instanceof TensorClass;
  if (isTensor && tfUtil.sizeFromShape(loss.shape) === 1 && loss.dtype === 'float32') return loss;
  const got = isTensor ? `${loss.dtype} [${loss.shape}]` : `a ${(loss as object | undefined)?.constructor.name}`;
  throw new InputError(`lossAndGradients: expected one float32 number, got ${got}`);
}
