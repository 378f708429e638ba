import { InputError } from '../../errors.js';
import { type ByteSource, viewOf } from '../byteSource.js';
import { quoted } from '../quote.js';
import { torchRules } from './globals.js';
import { plainRules, unpickle } from './pickle.js';
import type { OpenedTorch } from './tensors.js';
import { isKind, kindOf, type Storage, type Value } from './values.js';

const magic = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;

/**
 * Opens the format of torch.save before 1.6: five pickles (magic number, version, machine, object, storage keys), then
 * for each key in order the number of elements as int64 and the bytes. Bytes are located here and read later.
 * @throws InputError when a pickle is not as PyTorch writes it, or the storages are not just what the object needs.
 */
export function openLegacy(source: ByteSource): OpenedTorch {
  const first = unpickle(source, 0, plainRules);
  if (first.value !== magic) {
    throw new InputError(
      `${source.name}: a pickle, but not one of PyTorch's: its first value is not their magic number`,
    );
  }
  const version = unpickle(source, first.end, plainRules);
  if (version.value !== protocolVersion) {
    throw new InputError(`${source.name}: expected version ${protocolVersion} of PyTorch's old format`);
  }
  const machine = unpickle(source, version.end, plainRules);
  if (!isKind(machine.value, 'dict') || machine.value.entries.get('little_endian') !== true) {
    throw new InputError(`${source.name}: it was not written on a little-endian machine; only that order is read`);
  }
  const storages = new Map<string, Storage>();
  const object = unpickle(source, machine.end, torchRules(storages, false));
  const keys = unpickle(source, object.end, plainRules);
  const offsets = locate(source, storages, keys.value, keys.end);
  return {
    format: 'torch-legacy',
    root: object.value,
    readStorage: ({ key }, offset, length, into) => source.read(offsets.get(key)! + offset, length, into),
  };
}

/** Where each storage's bytes begin. Every storage is there once, and nothing else is. */
function locate(
  source: ByteSource,
  storages: ReadonlyMap<string, Storage>,
  keys: Value,
  start: number,
): Map<string, number> {
  if (!isKind(keys, 'list')) throw new InputError(`${source.name}: expected a list of storage keys`);
  const offsets = new Map<string, number>();
  let at = start;
  for (const key of keys.items) {
    const storage = typeof key === 'string' && !offsets.has(key) ? storages.get(key) : undefined;
    if (!storage) {
      const shown = typeof key === 'string' ? quoted(key) : `of type ${kindOf(key)}`;
      throw new InputError(`${source.name}: storage key ${shown} is listed twice or not used`);
    }
    const count = source.read(at, 8);
    const elements = Number(viewOf(count).getBigInt64(0, true));
    at += 8;
    if (elements !== storage.elements) {
      throw new InputError(
        `${source.name}: storage ${quoted(storage.key)} has ${elements} elements at byte ${at - 8}, ` +
          `but the pickle says ${storage.elements}`,
      );
    }
    if (storage.bytes > source.size - at) {
      throw new InputError(
        `${source.name}: storage ${quoted(storage.key)} takes ${storage.bytes} bytes from byte ${at} on, ` +
          `but the file has ${source.size}; is it cut short?`,
      );
    }
    offsets.set(storage.key, at);
    at += storage.bytes;
  }
  const missing = [...storages.keys()].find(key => !offsets.has(key));
  if (missing !== undefined) throw new InputError(`${source.name}: storage ${quoted(missing)} is not in the file`);
  if (at !== source.size) throw new InputError(`${source.name}: ${source.size - at} bytes follow the last storage`);
  return offsets;
}
