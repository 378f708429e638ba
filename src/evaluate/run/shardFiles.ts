/** Finished shards on disk, each in a file that tells whether it is whole. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../../files/atomic.js';
import { makeFolder } from '../../files/folder.js';
import type { ShardResult } from '../records.js';

const fileOf = (folder: string, shard: number): string => join(folder, `${String(shard).padStart(6, '0')}.json`);

/** What a shard's file says: its result, whose it is, and a hash of both. */
interface ShardFile {
  readonly sha256: string;
  readonly plan: string;
  readonly result: ShardResult;
}

const hashOf = (plan: string, result: ShardResult): string =>
  createHash('sha256')
    .update(JSON.stringify([plan, result]))
    .digest('hex');

/** Writes a finished shard, whole or not at all. @param plan the plan's hash @throws InputError for a full disk and its kin */
export function writeShard(folder: string, plan: string, result: ShardResult): void {
  makeFolder(folder);
  const content: ShardFile = { sha256: hashOf(plan, result), plan, result };
  writeAtomic(fileOf(folder, result.shard), Buffer.from(`${JSON.stringify(content)}\n`));
}

/**
 * A finished shard; undefined where there is none that counts: no file, a damaged one, another plan's.
 * @param onDamage called with the path of a file that is there and does not count
 */
export function readShard(
  folder: string,
  plan: string,
  shard: number,
  onDamage: (path: string) => void,
): ShardResult | undefined {
  const path = fileOf(folder, shard);
  if (!existsSync(path)) return undefined;
  try {
    const file = JSON.parse(readFileSync(path, 'utf8')) as ShardFile;
    const { sha256, result } = file;
    if (result.shard === shard && sha256 === hashOf(plan, result)) return result;
  } catch {
    // What cannot be read is told of like what reads wrong.
  }
  onDamage(path);
  return undefined;
}
