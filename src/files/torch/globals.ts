import { type Dtype, dtypeWidths } from '../dtype.js';
import { quoted } from '../quote.js';
import type { PickleRules } from './machine.js';
import { count, storedTensor } from './tensors.js';
import { type Fail, type Global, isKind, kindOf, type Storage, type Value } from './values.js';

const dtypes: readonly (readonly [torchName: string, dtype: Dtype, storageName?: string])[] = [
  ['float32', 'F32', 'FloatStorage'],
  ['float16', 'F16', 'HalfStorage'],
  ['bfloat16', 'BF16', 'BFloat16Storage'],
  ['float64', 'F64', 'DoubleStorage'],
  ['int64', 'I64', 'LongStorage'],
  ['int32', 'I32', 'IntStorage'],
  ['int16', 'I16', 'ShortStorage'],
  ['int8', 'I8', 'CharStorage'],
  ['uint8', 'U8', 'ByteStorage'],
  ['bool', 'BOOL', 'BoolStorage'],
  ['uint16', 'U16'],
  ['uint32', 'U32'],
  ['uint64', 'U64'],
];

/**
 * The allow-list: every name a checkpoint may refer to, and all that it can do here. Keys are module and name, the
 * two parts apart, so that no dotted name can pass for another.
 */
const allowed: ReadonlyMap<string, Global> = new Map(
  [
    global('collections', 'OrderedDict', { call: orderedDict }),
    global('torch', 'Size', { call: size }),
    global('torch._utils', '_rebuild_tensor', { call: rebuildTensor }),
    global('torch._utils', '_rebuild_tensor_v2', { call: rebuildTensorV2 }),
    global('torch._utils', '_rebuild_tensor_v3', { call: rebuildTensorV3 }),
    global('torch._utils', '_rebuild_parameter', { call: rebuildParameter }),
    global('torch._utils', '_rebuild_parameter_with_state', { call: rebuildParameter }),
    global('torch.storage', 'UntypedStorage', { storage: true }),
    ...dtypes.map(([torchName, dtype]) => global('torch', torchName, { dtype })),
    ...dtypes.flatMap(([, dtype, storageName]) =>
      storageName ? [global('torch', storageName, { dtype, storage: true })] : [],
    ),
  ].map(([module, name, rest]) => [keyOf(module, name), { kind: 'global', name: `${module}.${name}`, ...rest }]),
);

function global(
  module: string,
  name: string,
  rest: Omit<Global, 'kind' | 'name'>,
): [module: string, name: string, rest: Omit<Global, 'kind' | 'name'>] {
  return [module, name, rest];
}

// No allowed module or name holds a line feed, so the key splits in one way only.
function keyOf(module: string, name: string): string {
  return `${module}\n${name}`;
}

/**
 * The rules for a checkpoint's pickle. Storages are collected in `storages` as persistent ids name them. Classes under
 * `__torch__` are known in TorchScript archives alone, as empty records to hang attributes on.
 */
export function torchRules(storages: Map<string, Storage>, script: boolean): PickleRules {
  return {
    global(module, name) {
      const isScriptClass = script && (module === '__torch__' || module.startsWith('__torch__.'));
      return isScriptClass ? scriptClass(`${module}.${name}`) : allowed.get(keyOf(module, name));
    },
    persistent: (id, fail) => storageOf(id, storages, fail),
  };
}

function scriptClass(name: string): Global {
  return {
    kind: 'global',
    name,
    create: () => ({ kind: 'instance', className: name, attributes: new Map() }),
  };
}

/** A persistent id: `('storage', class, key, location, elements)`, and None at the end in the legacy form. */
function storageOf(id: Value, storages: Map<string, Storage>, fail: Fail): Storage {
  const parts = isKind(id, 'tuple') ? id.items : [];
  const [tag, type, key, , size, view] = parts;
  const fits = parts.length === 5 || (parts.length === 6 && view === null);
  if (!fits || tag !== 'storage' || !isKind(type, 'global') || !type.storage || typeof key !== 'string') {
    return fail('a persistent id is not (storage, class, key, location, elements)');
  }
  const elements = count(size, 'storage size', fail);
  const known = storages.get(key);
  if (known && (known.dtype !== type.dtype || known.elements !== elements)) {
    fail(`storage ${quoted(key)} is described twice, as ${describe(known)} and as ${elements} of ${type.name}`);
  }
  if (known) return known;
  const bytes = elements * (type.dtype ? dtypeWidths[type.dtype] : 1);
  const storage: Storage = { kind: 'storage', key, elements, bytes, ...(type.dtype && { dtype: type.dtype }) };
  storages.set(key, storage);
  return storage;
}

function describe({ elements, dtype }: Storage): string {
  return `${elements} elements of ${dtype ?? 'untyped bytes'}`;
}

function orderedDict(args: readonly Value[], fail: Fail): Value {
  expectArguments('OrderedDict', args, 0, 0, fail);
  return { kind: 'dict', ordered: true, entries: new Map() };
}

function size(args: readonly Value[], fail: Fail): Value {
  expectArguments('Size', args, 1, 1, fail);
  const [sizes] = args;
  return isKind(sizes, 'tuple') ? sizes : fail(`expected a tuple as torch.Size, got ${kindOf(sizes!)}`);
}

/** `(storage, offset, size, stride)` */
function rebuildTensor(args: readonly Value[], fail: Fail): Value {
  expectArguments('_rebuild_tensor', args, 4, 4, fail);
  return typedTensor(args, fail);
}

/** `(storage, offset, size, stride, requires_grad, backward_hooks[, metadata])` */
function rebuildTensorV2(args: readonly Value[], fail: Fail): Value {
  expectArguments('_rebuild_tensor_v2', args, 6, 7, fail);
  refuseMetadata(args[6], fail);
  return typedTensor(args, fail);
}

/** `(storage, offset, size, stride, requires_grad, backward_hooks, dtype[, metadata])`, over an untyped storage. */
function rebuildTensorV3(args: readonly Value[], fail: Fail): Value {
  expectArguments('_rebuild_tensor_v3', args, 7, 8, fail);
  refuseMetadata(args[7], fail);
  const dtype = args[6];
  if (!isKind(dtype, 'global') || dtype.storage || !dtype.dtype) {
    return fail('a tensor is rebuilt without a dtype that is known here');
  }
  return tensorOf(args, dtype.dtype, fail);
}

/** `(data, requires_grad, backward_hooks[, state])`: the data; the state is Python attributes, which are dropped. */
function rebuildParameter(args: readonly Value[], fail: Fail): Value {
  expectArguments('_rebuild_parameter', args, 3, 4, fail);
  const [data] = args;
  return isKind(data, 'tensor') ? data : fail(`expected a tensor as a parameter's data, got ${kindOf(data!)}`);
}

function typedTensor(args: readonly Value[], fail: Fail): Value {
  const [storage] = args;
  const dtype = isKind(storage, 'storage') ? storage.dtype : undefined;
  return dtype ? tensorOf(args, dtype, fail) : fail('a tensor is rebuilt without a typed storage');
}

function tensorOf([storage, offset, shape, strides]: readonly Value[], dtype: Dtype, fail: Fail): Value {
  if (!isKind(storage, 'storage')) return fail(`expected a storage to rebuild a tensor from, got ${kindOf(storage!)}`);
  return storedTensor(storage, dtype, { offset: offset!, shape: shape!, strides: strides! }, fail);
}

/** Metadata marks values to be conjugated or negated when used, which plain bytes would get wrong. */
function refuseMetadata(metadata: Value | undefined, fail: Fail): void {
  if (metadata === undefined || metadata === null || (isKind(metadata, 'dict') && metadata.entries.size === 0)) return;
  fail('a tensor carries metadata (a lazy conjugate or negative); expected plain values');
}

function expectArguments(name: string, args: readonly Value[], least: number, most: number, fail: Fail): void {
  if (args.length >= least && args.length <= most) return;
  fail(`${name} is called with ${args.length} arguments; expected ${least === most ? least : `${least} or ${most}`}`);
}
