/**
 * A checkpoint cut into several safetensors files beside an index: a JSON object whose `weight_map` says for each tensor
 * which file holds it. https://huggingface.co/docs/transformers/en/big_models
 */
import { dirname, join } from 'node:path';
import { InputError } from '../../errors.js';
import { openBytes } from '../bytes.js';
import { tensorBytes } from '../dtype.js';
import { expectEnd, type JsonCursor, jsonCursor, readNumber, readObject, readString, skipValue } from '../json.js';
import { nearestPrintable, quoted } from '../quote.js';
import type { TensorFile, TensorInfo } from '../tensorFile.js';
import { maxHeaderBytes } from './header.js';
import { openSafetensors } from './read.js';

interface Index {
  /** Shard by tensor name. */
  readonly shards: ReadonlyMap<string, string>;
  readonly totalSize: number | undefined;
}

/**
 * Opens the shards behind a `*.safetensors.index.json` as one tensor file. All headers are read and checked here; tensors
 * come shard by shard, each in its file's order. A shard may hold tensors that the index forgot: they are there too,
 * as they are for the loaders that read every shard whole.
 * @throws InputError when the index is not such a JSON object or names a key twice, a shard is missing, broken or
 *   outside the index's folder, a tensor is not in its shard or is in two, or `total_size` is of another checkpoint.
 *   No file stays open then.
 */
export function openShardedSafetensors(indexPath: string): TensorFile {
  const index = readIndex(indexPath);
  const shards = new Map<string, TensorFile>();
  const closeAll = () => {
    for (const shard of shards.values()) shard.close();
  };
  try {
    for (const shard of new Set(index.shards.values())) {
      shards.set(shard, openSafetensors(openBytes(join(dirname(indexPath), shard))));
    }
    return joined(indexPath, index, shards, closeAll);
  } catch (error) {
    closeAll();
    throw error;
  }
}

function joined(name: string, index: Index, shards: ReadonlyMap<string, TensorFile>, close: () => void): TensorFile {
  const tensors = new Map<string, TensorInfo>();
  const homes = new Map<string, TensorFile>();
  const metadata = new Map<string, string>();
  for (const shard of shards.values()) {
    for (const [tensor, info] of shard.tensors) {
      const home = homes.get(tensor);
      if (home)
        throw new InputError(`${name}: tensor ${quoted(tensor)}: in two shards, ${home.name} and ${shard.name}`);
      homes.set(tensor, shard);
      tensors.set(tensor, info);
    }
    for (const [key, value] of shard.metadata) if (!metadata.has(key)) metadata.set(key, value);
  }
  for (const [tensor, shard] of index.shards) {
    if (homes.get(tensor) === shards.get(shard)) continue;
    throw new InputError(`${name}: tensor ${quoted(tensor)}: not in the shard that should hold it, ${quoted(shard)}`);
  }
  checkTotal(name, index.totalSize, tensors.values());
  const home = (tensor: string) => {
    const shard = homes.get(tensor);
    if (shard) return shard;
    throw new InputError(`${name}: no tensor ${quoted(tensor)}${nearestPrintable(tensor, homes.keys())}`);
  };
  return {
    name,
    format: 'safetensors-index',
    metadata,
    tensors,
    read: tensor => home(tensor).read(tensor),
    readFloat32: (tensor, into) => home(tensor).readFloat32(tensor, into),
    location: tensor => home(tensor).location?.(tensor),
    close,
  };
}

/**
 * `total_size` is advice: writers count shared tensors once or twice and leave it standing when they convert dtypes.
 * From the widest dtype to the narrowest that is a factor of 8; a total that is further off is another checkpoint's.
 */
function checkTotal(name: string, total: number | undefined, tensors: Iterable<TensorInfo>): void {
  if (total === undefined) return;
  let held = 0;
  for (const { dtype, shape } of tensors) held += tensorBytes(dtype, shape) ?? 0;
  if (total <= held * 8 && total >= held / 8) return;
  throw new InputError(
    `${name}: total_size says ${total} bytes, the shards hold ${held}; is it another checkpoint's index?`,
  );
}

function readIndex(path: string): Index {
  const source = openBytes(path);
  try {
    if (source.size > maxHeaderBytes) {
      throw new InputError(`${path}: expected an index of at most ${maxHeaderBytes} bytes, got ${source.size}`);
    }
    const cursor = jsonCursor(source.read(0, source.size), keys => [path, ...keys.map(key => quoted(key))].join(': '));
    return parseIndex(path, cursor);
  } finally {
    source.close();
  }
}

function parseIndex(path: string, cursor: JsonCursor): Index {
  const shards = new Map<string, string>();
  let totalSize: number | undefined;
  readObject(cursor, section => {
    if (section === 'weight_map') {
      readObject(cursor, tensor => shards.set(tensor, inside(path, tensor, readString(cursor))));
    } else if (section === 'metadata') {
      readObject(cursor, key => {
        if (key === 'total_size') totalSize = readNumber(cursor);
        else skipValue(cursor);
      });
    } else skipValue(cursor);
  });
  expectEnd(cursor);
  if (shards.size === 0) throw new InputError(`${path}: expected a 'weight_map' from tensor names to files, got none`);
  return { shards, totalSize };
}

/** A shard's name, if it stays in the folder of the index under every system's rules for paths. */
function inside(path: string, tensor: string, shard: string): string {
  const plain = shard.split('/').every(part => part !== '' && part !== '.' && part !== '..');
  if (plain && !/[\\:\0]/.test(shard)) return shard;
  throw new InputError(
    `${path}: tensor ${quoted(tensor)}: expected a file in the index's folder, got ${quoted(shard)}`,
  );
}
