import type { Dtype } from './dtype.js';

/** What a file's header says of one tensor. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** A tensor as values in row-major order, ready to write or to hand to the tensor library. */
export interface TensorData {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little-endian bytes, row-major, exactly `elements x width` of them. */
  readonly bytes: Uint8Array;
}

/**
 * A checkpoint whose header has been read and validated and whose values have not: safetensors (one file or shards
 * behind an index) and the three PyTorch forms are all read through this.
 */
export interface TensorFile {
  /** What error messages call it. */
  readonly name: string;
  /** Which reader understood it. */
  readonly format: 'safetensors' | 'safetensors-index' | 'torch-zip' | 'torch-legacy' | 'torch-script';
  /** Free text beside the tensors (`__metadata__` of safetensors); empty for other formats. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Every tensor by name, in file order. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * The bytes of one tensor in row-major order (a strided PyTorch tensor is made contiguous), read now.
   * @throws InputError when there is no such tensor (naming the nearest) or the file ends early.
   */
  read(name: string): TensorData;
  /**
   * The same as float32 values, whatever the stored dtype; `into` (its first elements) saves an allocation.
   * Integers beyond 2^24 and F64 are rounded.
   */
  readFloat32(name: string, into?: Float32Array): Float32Array;
  /**
   * Where the bytes of a tensor lie, for a reader that maps the file itself; undefined when they lie in no file as they
   * are. Leaving the method out means that none do.
   */
  location?(name: string): TensorLocation | undefined;
  close(): void;
}

/** A run of bytes of a file that was open when it was told. */
export interface TensorLocation {
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
