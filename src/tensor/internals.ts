/**
 * TensorFlow.js' engine room: what recording and storing tensors need beyond the functions of `tfjs.ts`. Only the
 * tensor folder looks in here.
 */
import type { DataType, KernelBackend, NamedAttrMap, NamedTensorMap, Tensor, Variable } from '@tensorflow/tfjs-core';
import core from './tfjsCore.cjs';

export type * as tfKernels from '@tensorflow/tfjs-core';
export type { BackendValues, GradConfig, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
export type { KernelBackend };

export const {
  backend_util: backendUtil,
  findBackend,
  getKernel,
  KernelBackend: BackendClass,
  registerBackend,
  registerGradient,
  registerKernel,
  removeBackend,
  setBackend,
  slice_util: sliceUtil,
  Tensor: TensorClass,
  util: tfUtil,
  Variable: VariableClass,
} = core;

/** All operations that TensorFlow.js knows of, which it exports as constants. */
export const kernelNames: readonly string[] = Object.values(core).filter(value => typeof value === 'string');

/** What a tensor's values are known by; tensors that share values share it. */
export type DataId = object;

/** The parts of the engine that its public type hides and every backend is written against. */
export interface Engine {
  /** The one that is active. */
  readonly backend: KernelBackend;
  readonly state: {
    readonly tensorInfo: WeakMap<DataId, { readonly backend: KernelBackend }>;
    readonly gradientDepth: number;
    /** The steps of a gradient that is being taken, with the tensors it keeps for the way back. */
    activeTape: readonly { readonly saved?: readonly Tensor[] }[] | null;
  };
  /** The gradients of what `f` gives with respect to `xs`; none for those that it does not depend on. */
  gradients(
    f: () => Tensor,
    xs: readonly Tensor[],
    dy: Tensor | undefined,
    allowNoGradients: boolean,
  ): { value: Tensor; grads: (Tensor | undefined)[] };
  isTapeOn(): boolean;
  makeTensorFromDataId(dataId: DataId, shape: readonly number[], dtype: DataType, backend: KernelBackend): Tensor;
  makeVariable(initial: Tensor, trainable?: boolean, name?: string, dtype?: DataType): Variable;
  runKernel(name: string, inputs: NamedTensorMap, attributes?: NamedAttrMap): Tensor | Tensor[];
}

export const engine = (): Engine => core.engine() as unknown as Engine;

/** Frees what the taking of a gradient kept that was broken off by an exception. */
export function dropTape(): void {
  const { state } = engine();
  if (state.gradientDepth > 0) return;
  for (const { saved = [] } of state.activeTape ?? []) for (const tensor of saved) tensor.dispose();
  state.activeTape = null;
}

/** The data id that a tensor stands for. */
export const dataIdOf = (tensor: Tensor): DataId => (tensor as unknown as { dataId: DataId }).dataId;
