/** One run's shards, taken from its queue until it is done. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { printable } from '../../files/quote.js';
import type { ShardEvaluator } from '../evaluator.js';
import type { ShardResult } from '../records.js';
import { mostLosses, type ShardJob } from './coordinator.js';
import { installed, within } from './redis.js';
import { isAnnounced, keysOf, prefix } from './registry.js';
import { deliver, packResult } from './results.js';
import type { QueueTimes } from './times.js';

interface ServeOptions {
  readonly signal: AbortSignal;
  readonly warn: (text: string) => void;
  readonly times: QueueTimes;
  readonly onShard?: (result: ShardResult, seconds: number) => void;
}

/**
 * Evaluates shards of a run until its coordinator takes it back or the signal comes; shards under way are given back.
 * A fault that is no image's own ends the worker, so that one broken machine does not spoil every shard.
 * @throws that fault
 */
export async function serveRun(
  redis: Redis,
  name: string,
  lanes: readonly ShardEvaluator[],
  { signal, warn, times, onShard }: ServeOptions,
): Promise<void> {
  const { Worker, WaitingError, UnrecoverableError } = await installed(() => import('bullmq'));
  const free = [...lanes];
  const stop = new AbortController();
  let isWanted = true;
  let fail: (error: unknown) => void;
  const fault = new Promise<never>((_, reject) => {
    fail = reject;
  });

  const giveBack = async (job: Job<ShardJob>, token: string): Promise<never> => {
    if (isWanted) await job.moveToWait(token).catch(() => {});
    throw new WaitingError();
  };
  const evaluate = async (job: Job<ShardJob>, token = ''): Promise<void> => {
    const { shard } = job.data;
    const started = performance.now();
    const lane = free.pop()!;
    try {
      const result = await lane.evaluate(shard, { signal: stop.signal }).catch(error => {
        if (stop.signal.aborted) return giveBack(job, token);
        fail(error);
        throw error;
      });
      const failed = result.images.find(({ failure }) => failure !== undefined);
      // Its file may be out of reach for the moment, or from this machine.
      if (failed && job.attemptsMade === 0) throw new Error(failed.failure);
      const packed = await packResult(result).catch((error: Error) => {
        throw new UnrecoverableError(error.message);
      });
      await deliver(redis, name, shard, packed, times);
      onShard?.(result, (performance.now() - started) / 1000);
    } finally {
      free.push(lane);
    }
  };
  const worker = new Worker<ShardJob>(name, evaluate, {
    connection: redis,
    prefix,
    concurrency: lanes.length,
    lockDuration: times.lock,
    lockRenewTime: times.lock / 4,
    stalledInterval: times.stalled,
    maxStalledCount: mostLosses,
    // After a lost connection.
    runRetryDelay: times.poll,
    skipVersionCheck: true,
  });
  worker.on('error', error => {
    if (!isExpected(error)) warn(printable(error.message));
  });
  const cancelled = new Promise<void>(done => signal.addEventListener('abort', () => done(), { once: true }));
  const watch = async () => {
    for (; isWanted && !signal.aborted; isWanted = await isAnnounced(redis, name)) await sleep(times.poll);
  };
  try {
    await Promise.race([watch(), cancelled, fault]);
  } finally {
    const closed = worker.close();
    stop.abort(new Error('the worker stops'));
    // A server that is away keeps no worker from ending.
    await within(times.connect, closed).catch(() => {});
    // What the last look for stalled shards may have brought back after the coordinator tidied up.
    if (!isWanted) await within(times.connect, redis.del(...keysOf(name).leftovers)).catch(() => {});
    await Promise.all(lanes.map(lane => lane.dispose()));
  }
}

/** The connection's troubles are told by its own listeners; a shard that became another's is delivered all the same. */
const isExpected = ({ message }: Error): boolean =>
  /ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|Connection is closed|LOADING|lock|Missing key/i.test(message);
