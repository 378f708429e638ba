/** Tensors and plain values, for what takes either. */
import { InputError } from '../errors.js';
import { TensorClass } from './internals.js';
import { dtypeOf, type Values } from './run/host.js';
import { type Tensor, tensor } from './tfjs.js';
import { elementsAs } from './trace/graph.js';
import type { Given } from './trace/signature.js';

/** What a call's value is, as far as it must fit the signature. @throws InputError when it is neither, or disposed. */
export function described(given: Tensor | Values, i: number): Given {
  if (given instanceof TensorClass) {
    if (given.isDisposed) throw new InputError(`compiled function: input ${i} is a tensor that has been disposed`);
    return given;
  }
  if (!Array.isArray(given?.shape)) {
    throw new InputError(`compiled function: input ${i}: expected a tensor, or its values as { data, shape }`);
  }
  const { data, shape } = given;
  if (!shape.every(size => Number.isInteger(size) && size >= 0)) {
    throw new InputError(`compiled function: input ${i}: expected a shape of whole numbers from 0 up, got [${shape}]`);
  }
  const held = dtypeOf(data);
  const { dtype = held } = given;
  if (dtype !== held) throw new InputError(`compiled function: input ${i}: expected ${dtype} as data, got ${held}`);
  const size = shape.reduce((product, axis) => product * axis, 1);
  if (size === data.length) return { shape, dtype };
  throw new InputError(`compiled function: input ${i}: shape [${shape}] holds ${size} values, got ${data.length}`);
}

/** The values of a tensor; what are values already stay as they are. */
export async function toValues(given: Tensor | Values): Promise<Values> {
  if (!(given instanceof TensorClass)) return given;
  const { shape } = given;
  const dtype = given.dtype as 'float32';
  return { data: elementsAs(dtype, await given.data()) as Values['data'], shape, dtype };
}

/** A tensor of these values, the caller's to dispose. */
export const toTensor = ({ data, shape, dtype = dtypeOf(data) }: Values): Tensor => tensor(data, [...shape], dtype);
