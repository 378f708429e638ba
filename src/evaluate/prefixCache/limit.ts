/** What keeps the prefix cache's folder within its limit, for all processes that share it. */
import { lstatSync, type Stats, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../../files/folder.js';
import { shardPattern } from './shard.js';

/** Temporary files of `writeAtomic`. One that is as old as this was left by a process that was ended. */
const temporaryPattern = /^\.[0-9a-f]{24}\.tmp$/;
const abandonedMs = 3_600_000;

/**
 * Removes shards of any origin, the least recently used first, until `room` bytes more fit the limit. When a shard was
 * used last is its time of modification. What another process removes meanwhile is room, too.
 * @returns the names of those removed here
 * @throws InputError when the folder cannot be read
 */
export function makeRoom(folder: string, limit: number, room: number): string[] {
  const shards = namesIn(folder)
    .filter(name => shardPattern.test(name))
    .flatMap(name => {
      const stat = fileAt(join(folder, name));
      return stat ? [{ name, bytes: stat.size, used: stat.mtimeMs }] : [];
    })
    .sort((a, b) => a.used - b.used);
  let total = shards.reduce((sum, { bytes }) => sum + bytes, room);
  const removed: string[] = [];
  for (const { name, bytes } of shards) {
    if (total <= limit) break;
    const outcome = remove(join(folder, name));
    if (outcome === 'removed') removed.push(name);
    if (outcome !== 'kept') total -= bytes;
  }
  return removed;
}

/** Removes what processes that were ended had half-written. */
export function removeAbandoned(folder: string): void {
  for (const name of namesIn(folder)) {
    if (!temporaryPattern.test(name)) continue;
    const stat = fileAt(join(folder, name));
    if (stat && Date.now() - stat.mtimeMs > abandonedMs) remove(join(folder, name));
  }
}

/** A regular file's state; undefined for what is gone meanwhile, is none, or cannot be asked. */
function fileAt(path: string): Stats | undefined {
  try {
    const stat = lstatSync(path);
    return stat.isFile() ? stat : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a file: `gone` when it was not there any more, `kept` when this process may not. */
export function remove(path: string): 'removed' | 'gone' | 'kept' {
  try {
    unlinkSync(path);
    return 'removed';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : 'kept';
  }
}
