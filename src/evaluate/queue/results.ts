/** Shards' results on their way through Redis: kept once, whoever else delivers them too. */
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import type { Redis } from 'ioredis';
import { InputError } from '../../errors.js';
import type { ShardResult } from '../records.js';
import { keysOf } from './registry.js';
import type { QueueTimes } from './times.js';

/** JSON beyond this is not sent; 171 classes that all meet each other on 16 images make 20 MB a method. */
const mostBytes = 2 ** 28;

/** @throws InputError when the shard says more than fits */
export async function packResult(result: ShardResult): Promise<Buffer> {
  const json = Buffer.from(JSON.stringify(result));
  if (json.length > mostBytes) {
    throw new InputError(
      `shard ${result.shard}: its counts take ${json.length} bytes, over ${mostBytes}; use fewer methods`,
    );
  }
  return promisify(deflate)(json);
}

/**
 * What `packResult` made, where it is the result of the shard with these images.
 * @returns undefined for anything else: it is as if it had not come
 */
export async function unpackResult(
  packed: Buffer,
  shard: number,
  ids: readonly string[],
  methods: number,
): Promise<ShardResult | undefined> {
  try {
    const json = await promisify<Buffer, object, Buffer>(inflate)(packed, { maxOutputLength: mostBytes });
    const result = JSON.parse(json.toString()) as ShardResult;
    const isWhole =
      result.shard === shard &&
      result.images.length === ids.length &&
      result.images.every(
        ({ id, methods: counts, failure }, i) =>
          id === ids[i] && counts.length === (failure === undefined ? methods : 0),
      );
    return isWhole ? result : undefined;
  } catch {
    return undefined;
  }
}

const keepFirst = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1`;

/** Delivers a shard's result. It has no effect where one is there already or nobody wants it any more. */
export async function deliver(
  redis: Redis,
  name: string,
  shard: number,
  packed: Buffer,
  { kept }: QueueTimes,
): Promise<void> {
  const { announcement, results } = keysOf(name);
  await redis.eval(keepFirst, 2, announcement, results, shard, packed, kept);
}
