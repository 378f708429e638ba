/**
 * The backend on which a function is recorded. It does no arithmetic: each kernel appends nodes to a graph and says what
 * shape comes out. Values made of nothing but constants keep a recipe besides, so that code may read them after all.
 *
 * The backend exists only while a function is recorded; its kernels, which TensorFlow.js keeps in a global table, are
 * registered once.
 */
import { InputError } from '../../errors.js';
import { type NamingBackend, recordingBackend } from '../composite.js';
import {
  BackendClass,
  type BackendValues,
  type DataId,
  engine,
  getKernel,
  kernelNames,
  registerKernel,
  type TensorInfo,
} from '../internals.js';
import { placeOf, type ShapedPlace } from '../stored.js';
import type { Tensor } from '../tfjs.js';
import { compute, evaluate, isConstant } from './constants.js';
import {
  builder,
  type Elements,
  elementsAs,
  elementsOf,
  type KernelRecipe,
  type Node,
  sameShape,
  showShape,
} from './graph.js';
import { constant, written } from './kernels/create.js';
import { kernels } from './kernels/index.js';
import { cast, reshape, type Traced } from './kernels/kernel.js';
import { composites } from './kernels/matmul.js';

/** Operations that draw random numbers where they run; those that draw them in JavaScript show as changing constants. */
const random = /^(Multinomial|Random|Stateless|TruncatedNormal|ParameterizedTruncated)/;

type RecordedType = 'float32' | 'int32' | 'bool';

export class RecordingBackend extends BackendClass implements NamingBackend {
  readonly nodes: Node<number>[] = [];
  /** Intermediates by the names that the function gave them, each in the order of the runs that made it. */
  readonly named = new Map<string, Traced[]>();
  /** What the function did that only shows to be impossible once it has returned. */
  refusal: unknown;
  readonly #values = new Map<DataId, Traced>();
  /** Tensors of other backends that the function met, in each shape and type that it met them in. */
  readonly #captured = new Map<DataId, Traced[]>();
  readonly #batch: number | undefined;

  /** @param batch the size that stands for the free one. */
  constructor(batch?: number) {
    super();
    this.#batch = batch;
  }

  /**
   * The value behind a tensor. One that lives elsewhere is referred to and stays where it is. `use` says what becomes of
   * it, for the message.
   */
  value(tensor: TensorInfo, use: string): Traced {
    const { dataId, shape } = tensor;
    const made = this.#values.get(dataId);
    if (made) return made;
    const dtype = checkedType(tensor.dtype);
    const forms = this.#captured.get(dataId) ?? [this.#capture(tensor, use)];
    this.#captured.set(dataId, forms);
    const known = forms.find(form => form.dtype === dtype && sameShape(form.shape, shape));
    const value = known ?? this.#inForm(forms[0]!, dtype, shape);
    if (!known) forms.push(value);
    return value;
  }

  #capture({ dataId, shape, dtype }: TensorInfo, use: string): Traced {
    const home = engine().state.tensorInfo.get(dataId)?.backend;
    if (!home) throw new InputError(`compile: the function ${use} a tensor that has been disposed`);
    if (home instanceof RecordingBackend) {
      throw new InputError(`compile: the function ${use} a tensor that an earlier recording made`);
    }
    const place = placeOf(dataId);
    if (place) return this.#fromFile(place, reader(dataId, 'float32'));
    const type = checkedType(dtype);
    return { dtype: type, shape: [...shape], source: { kind: 'tensor', id: dataId, read: reader(dataId, type) } };
  }

  /** The same elements in another shape or type: backends let tensors share them that differ in no more. */
  #inForm(value: Traced, dtype: RecordedType, shape: readonly number[]): Traced {
    const g = builder(this.nodes, 'a shared tensor');
    const formed = reshape(g, cast(g, value, dtype), shape);
    if (isConstant(value)) formed.recipe = { read: () => elementsAs(dtype, evaluate(value)!) };
    return formed;
  }

  #fromFile({ slice, dtype, transposed, shape }: ShapedPlace, read: () => Elements): Traced {
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
    this.#captured.set(dataId, [value]);
  }

  name(name: string, tensor: TensorInfo): void {
    const value = this.value(tensor, `names '${name}'`);
    this.named.set(name, [...(this.named.get(name) ?? []), value]);
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
    const known = Object.values(given).every(isConstant);
    const kernel = kernels[name];
    if (kernel) {
      const made = this.#attempted(name, given, () => kernel(g, given as never, attributes as never));
      // The cpu backend has all but the house's own.
      if (known && !Object.hasOwn(composites, name))
        keepRecipes(asList(made), { kernel: name, inputs: given, attributes });
      return made;
    }
    const work = { kernel: name, inputs: given, attributes };
    const computed = known ? this.#attempted(name, given, () => compute(work)) : undefined;
    if (!computed) {
      throw new InputError(`compile: the function uses '${name}', of which no graph form is known; see docs/ops.md`);
    }
    const values = computed.results.map(({ data, dtype, shape }) => constant(g, data, checkedType(dtype), shape));
    return computed.list ? values : values[0]!;
  }

  /** Does an operation; where it fails for what it is given, the message says what that was. */
  #attempted<T>(name: string, given: Readonly<Record<string, Traced>>, operation: () => T): T {
    try {
      return operation();
    } catch (error) {
      if (error instanceof InputError) throw error;
      const shapes = Object.values(given).map(({ shape }) => this.#show(shape));
      const reason = String(error instanceof Error ? error.message : error).replace(/\s+/g, ' ');
      throw new InputError(`compile: '${name}' of ${shapes.join(' and ')}: ${reason}`, { cause: error });
    }
  }

  /** A shape, with the free size by its name. */
  #show(shape: readonly number[]): string {
    return showShape(shape.map(size => (size === this.#batch ? { factor: 1, offset: 0 } : size)));
  }

  override write(values: BackendValues, shape: number[], dtype: string): DataId {
    const type = checkedType(dtype);
    const data = ArrayBuffer.isView(values) ? (values as Elements) : elementsOf(type, values as unknown as number[]);
    return this.infoOf(written(builder(this.nodes, 'constant'), data, type, shape)).dataId;
  }

  override readSync(dataId: DataId): BackendValues {
    const value = this.#values.get(dataId)!;
    const elements = evaluate(value);
    if (elements) return elements as Float32Array;
    const origin = value.node ? `the result of '${value.node.from}'` : 'an input';
    throw new InputError(
      `compile: the function reads the values of a tensor of shape ${this.#show(value.shape)}, ${origin}, which only a ` +
        'run knows; compute with tensors instead, or pass what decides as an argument of compile',
    );
  }

  /**
   * What cannot be read is never given: the function has returned by the time that a promise would be broken, and where
   * it does not wait for it, that would end the process.
   */
  override async read(dataId: DataId): Promise<BackendValues> {
    try {
      return this.readSync(dataId);
    } catch (error) {
      this.refusal ??= error;
      return new Promise(() => {});
    }
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

  /** For profiles that a function takes of itself. */
  override async time(f: () => void) {
    f();
    return { kernelMs: 0 };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override dispose(): void {
    this.#values.clear();
  }
}

/** Reads a tensor where it is by then: engines move tensors between them. */
function reader(dataId: DataId, dtype: RecordedType): () => Elements {
  return () => {
    const home = engine().state.tensorInfo.get(dataId)?.backend;
    if (home) return elementsAs(dtype, home.readSync(dataId) as Elements);
    throw new InputError(
      'compile: a tensor that the function uses was disposed before compile was done; keep it until then',
    );
  };
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
  const names = new Set([...Object.keys(kernels), ...kernelNames]);
  for (const kernelName of names) {
    // Another copy of this library may have been here.
    if (getKernel(kernelName, recordingBackend)) continue;
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
