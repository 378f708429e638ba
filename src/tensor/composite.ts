import { engine, type KernelBackend, type NamedAttrMap, type TensorInfo } from './internals.js';
import { getBackend, type Tensor } from './tfjs.js';

/** The name under which the recording backend is known while a function is recorded. */
export const recordingBackend = 'recording';

/** Whether what is done now is not computed but recorded. Batch sizes are made up then. */
export const isRecording = (): boolean => getBackend() === recordingBackend;

/** Operations that graphs have as one node and TensorFlow.js as several. */
export type CompositeName = 'LayerNorm' | 'Linear';

const isFloat = ({ dtype }: Tensor): boolean => dtype === 'float32';

/**
 * Does `plain`, except where a function of floats is being recorded and no gradient is taken: there the whole is recorded
 * as one node, which runs faster and lets later passes see what it is.
 */
export function composite<T extends Tensor>(
  name: CompositeName,
  inputs: Record<string, Tensor>,
  attributes: NamedAttrMap,
  plain: () => T,
): T {
  if (!isRecording() || engine().isTapeOn() || !Object.values(inputs).every(isFloat)) return plain();
  return engine().runKernel(name, inputs, attributes) as T;
}

/** A backend that takes note of names. */
export interface NamingBackend extends KernelBackend {
  /** Notes the name of an intermediate. */
  name(name: string, value: TensorInfo): void;
}

/**
 * Gives an intermediate a name, by which `compile` returns it when asked to `see` it; what comes back is the value
 * itself. The points of both towers have theirs.
 */
export function named<T extends Tensor>(name: string, value: T): T {
  if (isRecording()) (engine().backend as NamingBackend).name(name, value);
  return value;
}
