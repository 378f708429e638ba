/**
 * The backend on which a function is recorded. It does no arithmetic: each kernel appends nodes to a graph and says what
 * shape comes out. Values made of nothing but constants keep a recipe besides, so that code may read them after all.
 *
 * The backend exists only while a function is recorded; its kernels, which TensorFlow.js keeps in a global table, are
 * registered once.
 */
import { InputError } from '../../errors.js';
import { recordingBackend } from '../composite.js';
import {
  BackendClass,
  type BackendValues,
  type DataId,
  engine,
  getKernelsForBackend,
  registerKernel,
  type TensorInfo,
} from '../internals.js';
import { type Place, placeOf } from '../stored.js';
import type { Tensor } from '../tfjs.js';
import { compute, cpuHas, evaluate, isConstant } from './constants.js';
import { builder, type Elements, elementsOf, type KernelRecipe, type Node, showShape } from './graph.js';
import { constant } from './kernels/create.js';
import { kernels } from './kernels/index.js';
import type { Traced } from './kernels/kernel.js';

/** Operations that draw random numbers where they run; those that draw them in JavaScript show as changing constants. */
const random = /^(Multinomial|Random|Stateless|TruncatedNormal|ParameterizedTruncated)/;

type RecordedType = 'float32' | 'int32' | 'bool';

export class RecordingBackend extends BackendClass {
  readonly nodes: Node<number>[] = [];
  readonly #values = new Map<DataId, Traced>();
  /** Tensors of other backends that the function met. */
  readonly #captured = new Map<DataId, Traced>();

  /**
   * The value behind a tensor. One that lives elsewhere is referred to and stays where it is. `use` says what becomes of
   * it, for the message.
   */
  value({ dataId, shape, dtype }: TensorInfo, use: string): Traced {
    const known = this.#values.get(dataId) ?? this.#captured.get(dataId);
    if (known) return known;
    const home = engine().state.tensorInfo.get(dataId)?.backend;
    if (!home) throw new InputError(`compile: the function ${use} a tensor that has been disposed`);
    if (home instanceof RecordingBackend) {
      throw new InputError(`compile: the function ${use} a tensor that an earlier recording made`);
    }
    const read = () => home.readSync(dataId) as Elements;
    const place = placeOf(dataId);
    const value: Traced = place
      ? this.#fromFile(place, shape, read)
      : { dtype: checkedType(dtype), shape: [...shape], source: { kind: 'tensor', id: dataId, read } };
    this.#captured.set(dataId, value);
    return value;
  }

  #fromFile({ slice, dtype, transposed }: Place, shape: readonly number[], read: () => Elements): Traced {
    const g = builder(this.nodes, 'weights');
    const stored = transposed ? shape.toReversed() : [...shape];
    let value: Traced = { dtype, shape: stored, source: { kind: 'file', slice } };
    if (dtype !== 'float32') value = g.op('Cast', [value], 'float32', stored, { to: 1 });
    if (transposed) value = g.op('Transpose', [value], 'float32', shape, { perm: [1, 0] });
    value.recipe = { read };
    return value;
  }

  /** Lets a tensor stand for a value instead of its own elements. */
  substitute(dataId: DataId, value: Traced): void {
    this.#captured.set(dataId, value);
  }

  infoOf(value: Traced): TensorInfo {
    const dataId = {};
    this.#values.set(dataId, value);
    return { dataId, shape: [...value.shape], dtype: value.dtype as RecordedType };
  }

  tensorOf(value: Traced): Tensor {
    const { dataId, shape, dtype } = this.infoOf(value);
    return engine().makeTensorFromDataId(dataId, shape, dtype, this);
  }

  /** Records an operation; one without a graph form can still be done now when all that it takes is known. */
  run(
    name: string,
    inputs: Readonly<Record<string, TensorInfo | undefined>>,
    attributes: object,
  ): Traced | readonly Traced[] {
    if (random.test(name)) {
      throw new InputError(`compile: the function uses '${name}': randomness would freeze; make it an input`);
    }
    const given: Record<string, Traced> = {};
    for (const [key, info] of Object.entries(inputs)) if (info) given[key] = this.value(info, `gives '${name}'`);
    const g = builder(this.nodes, name);
    const known = cpuHas(name) && Object.values(given).every(isConstant);
    const kernel = kernels[name];
    if (kernel) {
      const made = kernel(g, given as never, attributes as never);
      if (known) keepRecipes(asList(made), { kernel: name, inputs: given, attributes });
      return made;
    }
    const computed = known ? compute({ kernel: name, inputs: given, attributes }) : undefined;
    if (!computed) {
      throw new InputError(`compile: the function uses '${name}', of which no graph form is known; see docs/ops.md`);
    }
    const values = computed.results.map(({ data, dtype, shape }) => constant(g, data, checkedType(dtype), shape));
    return computed.list ? values : values[0]!;
  }

  override write(values: BackendValues, shape: number[], dtype: string): DataId {
    const type = checkedType(dtype);
    const data = ArrayBuffer.isView(values) ? (values as Elements) : elementsOf(type, values as unknown as number[]);
    return this.infoOf(constant(builder(this.nodes, 'constant'), data, type, shape)).dataId;
  }

  override readSync(dataId: DataId): BackendValues {
    const value = this.#values.get(dataId)!;
    const elements = evaluate(value);
    if (elements) return elements as Float32Array;
    const origin = value.node ? `the result of '${value.node.from}'` : 'an input';
    throw new InputError(
      `compile: the function reads the values of a tensor of shape ${showShape(value.shape)}, ${origin}, which only a ` +
        'run knows; compute with tensors instead, or pass what decides as an argument of compile',
    );
  }

  override async read(dataId: DataId): Promise<BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: DataId): boolean {
    this.#values.delete(dataId);
    return true;
  }

  override refCount(): number {
    return 1;
  }

  override incRef(): void {}

  override numDataIds(): number {
    return this.#values.size;
  }

  override memory() {
    return { unreliable: true };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override dispose(): void {
    this.#values.clear();
  }
}

const isList = (made: Traced | readonly Traced[]): made is readonly Traced[] => Array.isArray(made);
const asList = (made: Traced | readonly Traced[]): readonly Traced[] => (isList(made) ? made : [made]);

/** Notes how results could be computed, but on values that are known already or are what came in. */
function keepRecipes(results: readonly Traced[], recipe: Omit<KernelRecipe<number>, 'index'>): void {
  results.forEach((value, index) => {
    if (!value.source && !value.recipe) value.recipe = { ...recipe, index };
  });
}

function checkedType(dtype: string): RecordedType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new InputError(`compile: the function uses a tensor of type ${dtype}; expected float32, int32 or bool`);
}

let registered = false;

/** Tells TensorFlow.js of the kernels, and of all that exist elsewhere, so that the refusal is ours. */
export function registerKernels(): void {
  if (registered) return;
  registered = true;
  const names = new Set([...Object.keys(kernels), ...getKernelsForBackend('cpu').map(({ kernelName }) => kernelName)]);
  for (const kernelName of names) {
    registerKernel({
      kernelName,
      backendName: recordingBackend,
      kernelFunc({ inputs, attrs, backend }) {
        const recording = backend as RecordingBackend;
        const made = recording.run(kernelName, inputs, attrs ?? {});
        const infos = asList(made).map(value => recording.infoOf(value));
        return isList(made) ? infos : infos[0]!;
      },
    });
  }
}
