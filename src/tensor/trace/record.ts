/** Recording a function of tensors: it is called once, on tensors without values, and what it does becomes a graph. */
import { InputError } from '../../errors.js';
import { recordingBackend } from '../composite.js';
import { gradientError } from '../gradientError.js';
import { dataIdOf, dropTape, registerBackend, removeBackend, setBackend } from '../internals.js';
import { getBackend, type Tensor, tidy } from '../tfjs.js';
import { RecordingBackend, registerKernels } from './backend.js';
import type { Dim, Graph } from './graph.js';
import type { Traced } from './kernels/kernel.js';
import { leavesOf, outputNames, skeleton } from './structure.js';
import { withoutVariables } from './variables.js';

/** An input with a size for every axis. */
export interface SizedInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  /** The size that stands for the free one, where the shape has it. */
  readonly batch?: number;
}

export interface Recording<D extends Dim = number> {
  readonly graph: Graph<D>;
  /** What the function returned, without its tensors. */
  readonly skeleton: unknown;
}

/**
 * Records `fn` for inputs of one size. The engine that was active is active again afterwards, whatever happens.
 *
 * @param lifted tensors that the function meets and that become inputs, after its own.
 * @throws InputError naming the operation that cannot be recorded, or what the function returned instead of tensors.
 */
export function record(
  fn: (...inputs: Tensor[]) => unknown,
  inputs: readonly SizedInput[],
  lifted: readonly Tensor[],
): Recording {
  const before = getBackend() as string | undefined;
  if (before === recordingBackend) throw new InputError('compile: called inside a function that is being compiled');
  registerKernels();
  try {
    return recordOnly(fn, inputs, lifted);
  } finally {
    if (before) void setBackend(before);
  }
}

function recordOnly(
  fn: (...inputs: Tensor[]) => unknown,
  inputs: readonly SizedInput[],
  lifted: readonly Tensor[],
): Recording {
  const backend = new RecordingBackend(inputs.find(({ batch }) => batch !== undefined)?.batch);
  // Of the lowest priority, so that nothing ever chooses it by itself; switching to it takes effect at once.
  registerBackend(recordingBackend, () => backend, Number.NEGATIVE_INFINITY);
  void setBackend(recordingBackend);
  try {
    const values: Traced[] = inputs.map(({ name, shape, dtype }) => ({
      dtype,
      shape,
      source: { kind: 'input', name },
    }));
    const liftedNames = lifted.map((_, i) => `lifted.${i}`);
    const liftedValues = lifted.map((tensor, i): Traced => {
      const { shape, dtype } = tensor;
      return { dtype: dtype as 'float32', shape: [...shape], source: { kind: 'input', name: liftedNames[i]! } };
    });
    lifted.forEach((tensor, i) => {
      backend.substitute(dataIdOf(tensor), liftedValues[i]!);
    });
    let recording: Recording | undefined;
    tidy(() => {
      const result = withoutVariables(() => fn(...values.map(value => backend.tensorOf(value))));
      const leaves = leavesOf(result);
      if (backend.refusal) throw backend.refusal;
      const names = outputNames(
        leaves.map(({ path }) => path),
        [...inputs.map(({ name }) => name), ...liftedNames],
      );
      const outputs = leaves.map(({ tensor }, i) => ({ name: names[i]!, value: backend.value(tensor, 'returns') }));
      const graph = { inputs: [...values, ...liftedValues], nodes: backend.nodes, outputs };
      recording = { graph, skeleton: skeleton(result) };
    });
    return recording!;
  } catch (error) {
    dropTape();
    if (isOfDisposed(error)) throw new InputError('compile: the function reads a tensor that has been disposed');
    throw backend.refusal ?? gradientError(error);
  } finally {
    removeBackend(recordingBackend);
  }
}

/** What TensorFlow.js says by itself when a method of a tensor is called that is no more. */
const isOfDisposed = (error: unknown): boolean => error instanceof Error && error.message === 'Tensor is disposed.';
