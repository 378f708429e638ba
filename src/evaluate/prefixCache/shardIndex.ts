/** What the prefix cache knows of the shards on the disk, and the way to their windows. */
import { existsSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import type { ByteSource } from '../../files/byteSource.js';
import { openBytes, reasonOf } from '../../files/bytes.js';
import { namesIn } from '../../files/folder.js';
import type { Values } from '../../tensor/compile.js';
import { remove } from './limit.js';
import {
  type Place,
  readShard,
  readWindow,
  type Scratch,
  type ShardOrigin,
  shardPattern,
  shardPrefix,
} from './shard.js';

/** The windows of one origin in a folder, by their keys. A window is found until its shard is gone. */
export interface ShardIndex {
  /** Adds what a shard's header says; one that is damaged is removed. */
  add(name: string, used: boolean): void;
  has(key: string): boolean;
  /** A window's values; undefined when there are none, or none that are whole. */
  read(key: string): Promise<Values[] | undefined>;
  /** Forgets a shard that is no more. @returns whether it was one that has been used */
  forget(name: string): boolean;
}

/** Takes what is wrong with a file: it was damaged, and has been removed, or the system does not let it be read. */
export type OnFault = (fault: 'damaged' | 'unreadable', text: string) => void;

interface Shard {
  readonly path: string;
  /** Whether it was written or read from since the index was opened. */
  used: boolean;
  gone: boolean;
}

/** Reads the headers of an origin's shards. @throws InputError when the folder cannot be read */
export function openShardIndex(folder: string, origin: ShardOrigin, onFault: OnFault): ShardIndex {
  const shards = new Map<string, Shard>();
  const windows = new Map<string, { shard: Shard; places: readonly Place[] }>();
  const spare: Scratch[] = [];

  /** A file that is missing is no fault: another process removed it for the limit. */
  function failed(shard: Shard, error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof InputError) {
      // Of several reads that meet the same damage, the first reports it.
      if (shard.gone) return;
      shard.gone = true;
      remove(shard.path);
      onFault('damaged', error.message);
    } else if (code === undefined) throw error;
    else if (code !== 'ENOENT') onFault('unreadable', `${shard.path}: cannot be read: ${reasonOf(error)}`);
  }

  const index: ShardIndex = {
    add(name, used) {
      const shard = { path: join(folder, name), used, gone: false };
      const source = openThere(shard.path, onFault);
      if (!source) return;
      try {
        const places = readShard(source, origin);
        shards.set(name, shard);
        for (const [key, those] of places) windows.set(key, { shard, places: those });
      } catch (error) {
        failed(shard, error);
      }
    },
    has: key => windows.get(key)?.shard.gone === false,
    async read(key) {
      const found = windows.get(key);
      if (!found || found.shard.gone) return undefined;
      const { shard, places } = found;
      const scratch = spare.pop() ?? { bytes: new Uint8Array(0) };
      try {
        const values = await readWindow(shard.path, places, scratch);
        if (!shard.used) touch(shard.path);
        shard.used = true;
        return values;
      } catch (error) {
        windows.delete(key);
        failed(shard, error);
        return undefined;
      } finally {
        spare.push(scratch);
      }
    },
    forget(name) {
      const shard = shards.get(name);
      if (!shard) return false;
      shard.gone = true;
      return shard.used;
    },
  };
  const ours = shardPrefix(origin);
  for (const name of namesIn(folder)) {
    if (name.startsWith(ours) && shardPattern.test(name)) index.add(name, false);
  }
  return index;
}

/** Opens a file; undefined when another process has removed it, or the system refuses it. */
function openThere(path: string, onFault: OnFault): ByteSource | undefined {
  try {
    return openBytes(path);
  } catch (error) {
    if (existsSync(path)) onFault('unreadable', (error as InputError).message);
    return undefined;
  }
}

/** Makes a file the most recently used; in a folder that is only read, its age does not matter. */
function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {}
}
