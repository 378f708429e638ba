import { type Dtype, dtypeWidths } from '../dtype.js';
import { type Fail, isKind, kindOf, type Storage, type StoredTensor, type Value } from './values.js';

/** Reads a range of one storage's bytes. */
type ReadStorage = (storage: Storage, offset: number, length: number, into?: Uint8Array) => Uint8Array;

/** What the reader of each form hands over: the object in the file, and how to get at its storages. */
export interface OpenedTorch {
  readonly format: 'torch-zip' | 'torch-legacy' | 'torch-script';
  readonly root: Value;
  readonly readStorage: ReadStorage;
}

/** PyTorch's own limit. */
const maxRank = 64;

/**
 * A view of `dtype` into a storage, checked before anything is read: sizes, strides and offset (in elements) are not
 * negative, the last element lies inside, and there are no more elements than the storage has.
 */
export function storedTensor(
  storage: Storage,
  dtype: Dtype,
  view: { offset: Value; shape: Value; strides: Value },
  fail: Fail,
): StoredTensor {
  const capacity = Math.floor(storage.bytes / dtypeWidths[dtype]);
  const offset = count(view.offset, 'storage offset', fail);
  const shape = counts(view.shape, 'size', fail);
  const strides = counts(view.strides, 'stride', fail);
  if (shape.length !== strides.length) fail(`a tensor has ${shape.length} sizes and ${strides.length} strides`);
  const elements = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
  const last = elements === 0 ? offset - 1 : shape.reduce((at, size, axis) => at + (size - 1) * strides[axis]!, offset);
  if (elements > capacity || last >= capacity) {
    fail(
      `a tensor of size [${shape}], stride [${strides}] and offset ${offset} does not fit its storage, ` +
        `which has ${capacity} elements`,
    );
  }
  return { kind: 'tensor', storage, dtype, offset, shape, strides, elements };
}

/** A size, offset or count: a whole number that is not negative and is exact in a double. */
export function count(value: Value | undefined, what: string, fail: Fail): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  const got =
    typeof value === 'number' || typeof value === 'bigint' ? String(value).slice(0, 40) : kindOf(value ?? null);
  return fail(`a ${what} is ${got}; expected a whole number from 0 to 2^53`);
}

function counts(value: Value, what: string, fail: Fail): number[] {
  if (!isKind(value, 'tuple') && !isKind(value, 'list')) {
    return fail(`expected a tuple as a tensor's ${what}, got ${kindOf(value)}`);
  }
  if (value.items.length > maxRank) fail(`a tensor has ${value.items.length} axes; PyTorch allows ${maxRank}`);
  return value.items.map(item => count(item, `tensor's ${what}`, fail));
}

/** A tensor's values in row-major order, into the first bytes of `into` where given. */
export function readTensor(tensor: StoredTensor, read: ReadStorage, into?: Uint8Array): Uint8Array {
  const { storage, dtype, offset, shape, strides, elements } = tensor;
  const width = dtypeWidths[dtype];
  if (isRowMajor(shape, strides)) return read(storage, offset * width, elements * width, into);
  const last = shape.reduce((at, size, axis) => at + (size - 1) * strides[axis]!, offset);
  const spanned = read(storage, offset * width, (last + 1 - offset) * width);
  const out = into?.subarray(0, elements * width) ?? new Uint8Array(elements * width);
  gather(words(spanned, width), words(out, width), shape, strides);
  return out;
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

type Words = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

/** Elements as unsigned words of their width, so that every bit is kept; `out` is always aligned, so never copied. */
function words(bytes: Uint8Array, width: 1 | 2 | 4 | 8): Words {
  const { buffer, byteOffset, length } = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  if (width === 1) return new Uint8Array(buffer, byteOffset, length);
  if (width === 2) return new Uint16Array(buffer, byteOffset, length / 2);
  if (width === 4) return new Uint32Array(buffer, byteOffset, length / 4);
  return new BigUint64Array(buffer, byteOffset, length / 8);
}

/** Copies a strided view to row-major order. There is at least one axis: a scalar is row-major already. */
function gather(source: Words, out: Words, shape: readonly number[], strides: readonly number[]): void {
  const inner = shape.length - 1;
  const length = shape[inner]!;
  const step = strides[inner]!;
  const index = new Array<number>(inner).fill(0);
  let base = 0;
  for (let done = 0; done < out.length; done += length) {
    for (let i = 0; i < length; i++) out[done + i] = source[base + i * step]!;
    for (let axis = inner - 1; axis >= 0; axis--) {
      base += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      base -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}
