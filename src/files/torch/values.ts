import type { Dtype } from '../dtype.js';

/**
 * What a checkpoint's pickle can hold once it is read: inert records. Nothing here has behaviour but the two functions
 * of an allow-listed global, which are ours.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Bytes
  | List
  | Tuple
  | Dict
  | Instance
  | Global
  | Storage
  | StoredTensor;

/** Raw bytes; no checkpoint needs their content. */
interface Bytes {
  readonly kind: 'bytes';
}

/** A list, which APPEND makes longer. */
interface List {
  readonly kind: 'list';
  readonly items: Value[];
}

/** A tuple; what it holds is never changed. */
interface Tuple {
  readonly kind: 'tuple';
  readonly items: readonly Value[];
}

/** The hashable values a checkpoint uses as keys. */
export type Key = string | number | bigint | boolean | null;

/** A dictionary, its entries in file order. */
export interface Dict {
  readonly kind: 'dict';
  /** True for a `collections.OrderedDict`, which alone may carry attributes (and they are dropped). */
  readonly ordered: boolean;
  readonly entries: Map<Key, Value>;
}

/** An object of a TorchScript class: its attributes and nothing else. */
interface Instance {
  readonly kind: 'instance';
  readonly className: string;
  attributes: ReadonlyMap<Key, Value>;
}

/** A name the allow-list knows. */
export interface Global {
  readonly kind: 'global';
  /** `module.name`, for messages. */
  readonly name: string;
  /** What REDUCE does with it; without it the name may be mentioned but not called. */
  readonly call?: (args: readonly Value[], fail: Fail) => Value;
  /** What NEWOBJ makes of it: TorchScript classes alone have this. */
  readonly create?: () => Instance;
  /** The element type of a storage class or of a `torch.dtype`. */
  readonly dtype?: Dtype;
  /** True for a class of storages, which persistent ids name. */
  readonly storage?: boolean;
}

/** A flat run of elements in the file; tensors are views into it. */
export interface Storage {
  readonly kind: 'storage';
  readonly key: string;
  /** Absent for an untyped storage, whose elements are bytes. */
  readonly dtype?: Dtype;
  readonly elements: number;
  readonly bytes: number;
}

/** A tensor as the pickle describes it, checked to lie inside its storage. Offset and strides count elements. */
export interface StoredTensor {
  readonly kind: 'tensor';
  readonly storage: Storage;
  readonly dtype: Dtype;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly elements: number;
}

/** Throws an InputError that says where in the pickle `what` went wrong. */
export type Fail = (what: string) => never;

/** Whether a value is one of the records above, of this kind. */
export function isKind<K extends Exclude<Value, Key>['kind']>(
  value: Value | undefined,
  kind: K,
): value is Extract<Value, { kind: K }> {
  return typeof value === 'object' && value !== null && value.kind === kind;
}

/** A value's type in the words of the format, for messages. */
export function kindOf(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'object') return value.kind === 'dict' ? 'dictionary' : value.kind;
  return typeof value === 'bigint' ? 'integer' : typeof value;
}
