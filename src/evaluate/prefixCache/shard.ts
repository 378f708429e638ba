/**
 * A file of the prefix cache: many windows' tensors, as safetensors. Its header is the index, so none can get out of
 * step with it. Beside each tensor stands the CRC-32 of its bytes, and over all of the header's claims a seal, so that a
 * changed byte anywhere is noticed. A shard is written once, under a name of its own, and never changed.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../../errors.js';
import type { ByteSource } from '../../files/byteSource.js';
import { crc32 } from '../../files/crc32.js';
import { openSafetensors } from '../../files/safetensors/read.js';
import { writeSafetensors } from '../../files/safetensors/write.js';
import type { Values } from '../../tensor/compile.js';
import { type PackedTensor, unpack } from './pack.js';

/** What made the values of a shard. */
export interface ShardOrigin {
  /** Hash of the model's weights. */
  readonly weights: string;
  /** Hash of all else that the shared blocks' values hang on. */
  readonly prefix: string;
}

/** Where a tensor lies in its shard. */
export interface Place extends Omit<PackedTensor, 'bytes'> {
  readonly offset: number;
  readonly length: number;
  readonly crc: string;
}

const format = 'clipscope prefix cache 1';

/** Names of shards of any origin and version. */
export const shardPattern = /^prefix-[0-9a-f]{16}-[0-9a-f]{24}\.safetensors$/;

/** Bytes a tensor takes in a shard's header, at most, by shapes of up to ten axes; also what a header takes without any. */
export const headerBytes = 512;

/** What the names of an origin's shards begin with: other origins' and versions' files need not be opened. */
export function shardPrefix({ weights, prefix }: ShardOrigin): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([format, weights, prefix]))
    .digest('hex');
  return `prefix-${hash.slice(0, 16)}-`;
}

/** A name that no other process gives to a shard. */
export function newShardName(origin: ShardOrigin): string {
  return `${shardPrefix(origin)}${randomBytes(12).toString('hex')}.safetensors`;
}

/**
 * Writes a shard, whole or not at all.
 * @param windows the tensors of each window, by its key: 64 hexadecimal digits
 * @throws InputError when it cannot be written
 */
export function writeShard(
  path: string,
  origin: ShardOrigin,
  windows: ReadonlyMap<string, readonly PackedTensor[]>,
): void {
  const tensors = new Map<string, PackedTensor>();
  const metadata = new Map(Object.entries({ format, weights: origin.weights, prefix: origin.prefix }));
  const claims: string[] = [];
  for (const [key, packed] of windows) {
    for (const [i, tensor] of packed.entries()) {
      const name = `${key}.${i}`;
      const crc = checksum(tensor.bytes);
      tensors.set(name, tensor);
      metadata.set(name, crc);
      claims.push(claim(name, tensor, crc));
    }
  }
  metadata.set('seal', sealOf(claims));
  writeSafetensors(path, tensors, metadata);
}

/**
 * Reads a shard's header, and closes the source.
 * @returns the places of each window's tensors, in their order, by its key
 * @throws InputError when the file is damaged or not of this origin
 */
export function readShard(source: ByteSource, { weights, prefix }: ShardOrigin): Map<string, Place[]> {
  const file = openSafetensors(source);
  try {
    const { metadata, tensors } = file;
    const windows = new Map<string, Place[]>();
    const claims: string[] = [];
    for (const { name, dtype, shape } of tensors.values()) {
      const crc = metadata.get(name) ?? '';
      if (dtype !== 'F16' && dtype !== 'F32') throw damaged(file.name);
      claims.push(claim(name, { dtype, shape }, crc));
      const [key, i] = name.split('.') as [string, string];
      const { offset, length } = file.location!(name)!;
      if (!windows.has(key)) windows.set(key, []);
      windows.get(key)![Number(i)] = { dtype, shape, offset, length, crc };
    }
    const expected = { format, weights, prefix, seal: sealOf(claims) };
    if (Object.entries(expected).some(([name, text]) => metadata.get(name) !== text)) throw damaged(file.name);
    return windows;
  } finally {
    file.close();
  }
}

/**
 * Reads one window by its places.
 * @param scratch memory for the bytes; grown where it is too small
 * @throws InputError when bytes are missing or not those that were written; a system error when the file cannot be read
 */
export async function readWindow(path: string, places: readonly Place[], scratch: Scratch): Promise<Values[]> {
  const handle = await open(path);
  try {
    const values: Values[] = [];
    for (const { dtype, shape, offset, length, crc } of places) {
      if (scratch.bytes.length < length) scratch.bytes = new Uint8Array(length);
      const bytes = scratch.bytes.subarray(0, length);
      await readWhole(handle, path, bytes, offset);
      if (checksum(bytes) !== crc) throw damaged(path);
      values.push(unpack({ dtype, shape, bytes }));
    }
    return values;
  } finally {
    await handle.close();
  }
}

/** Memory that is used again. */
export interface Scratch {
  bytes: Uint8Array;
}

async function readWhole(handle: FileHandle, path: string, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, offset + done);
    if (bytesRead === 0) throw damaged(path);
    done += bytesRead;
  }
}

const damaged = (path: string) => new InputError(`${path}: the bytes are not those that were written`);
const checksum = (bytes: Uint8Array): string => crc32(bytes).toString(16);
const claim = (name: string, { dtype, shape }: Omit<PackedTensor, 'bytes'>, crc: string): string =>
  `${name} ${dtype} ${shape} ${crc}\n`;

/** One checksum of all claims, whatever their order. */
const sealOf = (claims: string[]): string => checksum(Buffer.from(claims.sort().join('')));
