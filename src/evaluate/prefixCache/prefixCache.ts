/** A folder that keeps the outputs of shared blocks from one run to the next. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { checkWritable } from '../../files/atomic.js';
import { makeFolder } from '../../files/folder.js';
import type { PrefixKey, PrefixStore } from '../../segment/prefixStore.js';
import { makeRoom, removeAbandoned } from './limit.js';
import { type PackedTensor, pack, unpack } from './pack.js';
import { headerBytes, newShardName, type ShardOrigin, writeShard } from './shard.js';
import { openShardIndex } from './shardIndex.js';

/** Where windows are kept, and whose. */
export interface PrefixCacheOptions extends ShardOrigin {
  /** Made when it is not there. Several processes, and any number of models, may share it. */
  readonly folder: string;
  /** What all shards in the folder may take, of whatever model. */
  readonly bytes: number;
  /** Takes a line about what goes wrong; each kind of trouble is told once. */
  readonly warn?: (text: string) => void;
}

/** What a cache has done since it was opened. */
export interface PrefixCacheStatistics {
  /** Windows that were there before it was opened, each time they were asked for. */
  readonly hits: number;
  /** Windows that were not, or were damaged. */
  readonly misses: number;
  /** Files removed for the limit. */
  readonly evicted: number;
  /** Files removed because they were damaged. */
  readonly damaged: number;
}

/** A store that must be closed, which writes what it still holds. */
export interface PrefixCache extends PrefixStore {
  readonly statistics: PrefixCacheStatistics;
  /** Writes what is still in memory; what is put afterwards is not kept. */
  close(): Promise<void>;
}

/** As large as a shard grows: some hundred windows of a ViT-B/16. */
const shardBytes = 32 * 2 ** 20;

/**
 * Opens a prefix cache. Values are kept as float16, but for tensors with values beyond its range (see `pack`). They are
 * gathered in memory, up to 32 MiB or an eighth of the limit, and then written as one file; a process that is killed
 * loses what it had gathered. A cache finds what was in the folder when it was opened, and what it was given itself.
 *
 * Neither damage nor want of space is an error: a window that cannot be read is computed again, and what cannot be
 * written is not kept. Files are removed by the time of their last use, so where a run reads more than the limit, the
 * next one misses all of it; that is warned of. Processes that write in the same moment may pass the limit by a shard
 * each, until the next is written.
 * @throws InputError when the folder cannot be made or read, or the limit is no positive number of bytes
 */
export function openPrefixCache({ folder, bytes: limit, warn, ...origin }: PrefixCacheOptions): PrefixCache {
  if (!(Number.isSafeInteger(limit) && limit > 0)) {
    throw new InputError(`prefix cache: expected a limit in whole bytes above 0, got ${limit}`);
  }
  makeFolder(folder);
  const statistics = { hits: 0, misses: 0, evicted: 0, damaged: 0 };
  const told = new Set<string>();
  const tell = (kind: 'damaged' | 'unreadable' | 'unwritable' | 'small', text: string) => {
    if (!told.has(kind)) warn?.(text);
    told.add(kind);
  };
  const index = openShardIndex(folder, origin, (fault, text) => {
    if (fault === 'damaged') statistics.damaged++;
    tell(fault, `${text}; the windows in it are computed again`);
  });
  // By their hashes; who puts a window and takes it back, rounded, has not been saved any work.
  const given = new Set<string>();
  let pending = new Map<string, readonly PackedTensor[]>();
  let pendingBytes = headerBytes;
  let writing = true;

  /** Runs what writes; once that fails, nothing is written any more. */
  function write(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      writing = false;
      tell('unwritable', `${error.message}; the prefix cache keeps nothing more in this run`);
    }
  }

  function makeRoomFor(bytes: number): void {
    for (const name of makeRoom(folder, limit, bytes)) {
      statistics.evicted++;
      if (index.forget(name)) {
        tell('small', `${folder}: this run reads more than the prefix cache's limit of ${limit} bytes; give it more`);
      }
    }
  }

  function flush(): void {
    if (pending.size > 0) {
      write(() => {
        const name = newShardName(origin);
        makeRoomFor(pendingBytes);
        writeShard(join(folder, name), origin, pending);
        index.add(name, true);
      });
    }
    pending = new Map();
    pendingBytes = headerBytes;
  }

  write(() => {
    checkWritable(join(folder, newShardName(origin)));
    removeAbandoned(folder);
    makeRoomFor(0);
  });
  return {
    statistics,
    async get(key) {
      const hash = hashOf(key);
      const values = pending.get(hash)?.map(unpack) ?? (await index.read(hash));
      if (!values) statistics.misses++;
      else if (!given.has(hash)) statistics.hits++;
      return values;
    },
    async put(key, values) {
      const hash = hashOf(key);
      if (!writing || values.length === 0 || pending.has(hash) || index.has(hash)) return;
      const packed = values.map(pack);
      const bytes = packed.reduce((sum, tensor) => sum + tensor.bytes.length + headerBytes, 0);
      if (headerBytes + bytes > limit) {
        tell(
          'small',
          `${folder}: a window of ${bytes} bytes is over the prefix cache's limit of ${limit}; give it more`,
        );
        return;
      }
      if (pendingBytes + bytes > Math.min(shardBytes, limit / 8)) flush();
      if (!writing) return;
      pending.set(hash, packed);
      given.add(hash);
      pendingBytes += bytes;
    },
    async close() {
      flush();
      writing = false;
    },
  };
}

/** Names of pictures may hold anything and be of any length; as JSON, no two pairs are the same text. */
function hashOf({ picture, window }: PrefixKey): string {
  return createHash('sha256')
    .update(JSON.stringify([picture, window]))
    .digest('hex');
}
