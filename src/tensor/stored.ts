/**
 * Tensors whose values lie in a file. A stored tensor has a shape and knows how to read itself; it belongs to a
 * backend of its own, `stored`, and when an operation of an engine first needs it, TensorFlow.js moves it there by the
 * same means by which it moves tensors between engines. Recording a function reads nothing at all: the compiled graph
 * refers to the bytes in the file (see `trace/`).
 *
 * Independently of where its values are now, any tensor may be known to be a copy of a slice of a file: `placeOf`.
 */
import { BackendClass, type DataId, dataIdOf, engine } from './internals.js';
import type { Tensor } from './tfjs.js';

/** A run of bytes of a file. */
export interface FileSlice {
  readonly path: string;
  /** The whole file, when it is in memory and not on a disk. */
  readonly bytes?: Uint8Array;
  /** In bytes from the start of the file. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
  /** @throws InputError when the file is gone or no longer the one that was opened. */
  check(): void;
}

/** How a tensor's values lie in a file. */
export interface Place {
  readonly slice: FileSlice;
  readonly dtype: 'float32' | 'float16' | 'bfloat16';
  /** The file holds the tensor's transpose, row-major; the tensor has two axes then. */
  readonly transposed: boolean;
}

/** A place, and the shape of the tensor that was noted: others may have the same values under another shape. */
export interface ShapedPlace extends Place {
  readonly shape: readonly number[];
}

const places = new WeakMap<DataId, ShapedPlace>();

/** Notes that a tensor's values are those of a slice of a file. */
export function rememberPlace(tensor: Tensor, place: Place): void {
  places.set(dataIdOf(tensor), { ...place, shape: [...tensor.shape] });
}

export const placeOf = (dataId: DataId): ShapedPlace | undefined => places.get(dataId);

/** The backend of tensors that no engine has asked for yet. Never active: it computes nothing. */
class StoredBackend extends BackendClass {
  readonly #readers = new Map<DataId, () => Float32Array>();

  hold(read: () => Float32Array): DataId {
    const dataId = {};
    this.#readers.set(dataId, read);
    return dataId;
  }

  override readSync(dataId: DataId): Float32Array {
    return this.#readers.get(dataId)!();
  }

  override async read(dataId: DataId): Promise<Float32Array> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: DataId): boolean {
    return this.#readers.delete(dataId);
  }

  override refCount(): number {
    return 1;
  }

  override numDataIds(): number {
    return this.#readers.size;
  }
}

const backend = new StoredBackend();

/**
 * A float32 tensor whose values are read when they are first needed, from wherever `read` takes them: `read` must stay
 * callable until then. It may hand out the same buffer each time only if the engine copies (wasm does, cpu does not).
 */
export function storedTensor<T extends Tensor>(shape: readonly number[], read: () => Float32Array): T {
  return engine().makeTensorFromDataId(backend.hold(read), [...shape], 'float32', backend) as T;
}
