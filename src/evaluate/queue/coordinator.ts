/** Shards of a run on a queue that workers anywhere take from, and their results collected. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { InputError } from '../../errors.js';
import { versionsHere } from '../../train/runFile.js';
import type { ShardResult } from '../records.js';
import { type OpenPlan, shardRange } from '../run/openPlan.js';
import { portable } from './portable.js';
import { installed, openRedis, type RedisUse, within } from './redis.js';
import { announce, claim, keysOf, prefix, release, runName, withdraw } from './registry.js';
import { unpackResult } from './results.js';
import { type QueueTimes, queueTimes } from './times.js';

/** A plan, as far as its coordinator needs it. */
export type QueuedPlan = Pick<OpenPlan, 'plan' | 'identity' | 'dataset' | 'images'>;

/** What a coordinator may be given. */
export interface CoordinatorOptions extends RedisUse {
  /** Takes each shard once, in any order, and keeps it: after that the queue forgets it. */
  readonly onResult: (result: ShardResult) => void | Promise<void>;
  /** Takes the number of workers that are connected, now and then. */
  readonly onWorkers?: (count: number) => void;
  /** Takes the run back from its workers. */
  readonly signal?: AbortSignal;
}

/** What travels to a worker, beside the plan. */
export interface ShardJob {
  readonly shard: number;
}

/** Attempts at a shard, if each fails, after which its images count as failed. */
const mostAttempts = 5;

/** Workers lost at a shard that do not yet mean that it is the cause. */
export const mostLosses = 3;

/**
 * Has the shards of a plan evaluated by the workers at a queue, however many there are and come to be. A shard whose
 * workers fail or vanish again and again ends as images that failed, with the reason. When all are done nothing of the
 * run is left on the server; when the process dies, the workers go on, and the next call collects what they did.
 * @param shards those that are still to do
 * @throws InputError as `openRedis`, and when another process coordinates the same plan there; what `onResult` throws;
 *   the signal's reason
 */
export async function queueShards(
  url: string,
  open: QueuedPlan,
  shards: readonly number[],
  options: CoordinatorOptions,
): Promise<void> {
  const { onResult, signal, warn = () => {}, times = queueTimes } = options;
  const name = runName(open.identity);
  const { redis, shown, close } = await openRedis(url, { times, warn });
  const lease = { redis, name, shown, holder: `${hostname()}, process ${process.pid}, ${randomUUID()}`, times };
  try {
    await lead(lease, warn, signal);
    const { Queue } = await installed(() => import('bullmq'));
    const queue = new Queue<ShardJob>(name, { connection: redis, prefix, skipVersionCheck: true });
    // What happens to the connection is told by its own listeners.
    queue.on('error', () => {});
    const run = { ...open, ...lease, queue, left: new Set(shards), onResult };
    try {
      await Promise.race([untilDone(run, options), ended(signal, times.connect)]);
    } catch (error) {
      const withdrawn = async () => {
        await collect(run);
        await clear(run);
      };
      if (signal?.aborted) await tidy(withdrawn(), times);
      throw error;
    }
    await tidy(clear(run), times);
  } finally {
    await tidy(release(redis, name, lease.holder), times);
    close();
  }
}

interface Lease {
  readonly redis: Redis;
  readonly name: string;
  readonly shown: string;
  /** Host, process, and an identifier. */
  readonly holder: string;
  readonly times: QueueTimes;
}

interface Run extends QueuedPlan, Lease {
  readonly queue: Queue<ShardJob>;
  readonly left: Set<number>;
  readonly onResult: CoordinatorOptions['onResult'];
}

/** Becomes the run's coordinator, after the last one's lease where that one died. */
async function lead(lease: Lease, warn: (text: string) => void, signal: AbortSignal | undefined): Promise<void> {
  const { redis, name, holder, shown, times } = lease;
  const deadline = Date.now() + times.lease + times.beat;
  for (let hasWarned = false; ; ) {
    signal?.throwIfAborted();
    const other = await claim(redis, name, holder, times);
    if (other === undefined) return;
    const what = `${shown}: another process (${nameOf(other)}) coordinates this very plan there`;
    if (Date.now() > deadline) throw new InputError(`${what}; let it finish, or end it`);
    if (!hasWarned) warn(`${what}, or did; waiting to see which`);
    hasWarned = true;
    await sleep(times.poll);
  }
}

const nameOf = (holder: string): string => holder.replace(/, [^,]*$/, '');

/** Collects until no shard is left. All it does may be repeated, so it outlives a server that forgot everything. */
async function untilDone(
  run: Run,
  { onWorkers, signal, warn = () => {} }: Omit<CoordinatorOptions, 'onResult'>,
): Promise<void> {
  const { redis, queue, name, holder, shown, left, times, plan, identity } = run;
  const announcement = { clipscope: versionsHere().clipscope, plan: portable(plan), identity };
  await forgetJobs(queue);
  for (let due = 0, lonely = 0; ; ) {
    await collect(run);
    await giveUpFailed(run);
    if (left.size === 0) return;
    if (Date.now() >= due) {
      due = Date.now() + times.beat;
      const other = await claim(redis, name, holder, times);
      if (other !== undefined) throw new InputError(`${shown}: another process (${nameOf(other)}) took over this run`);
      await announce(redis, announcement, times);
      await addMissing(run);
      // Some hosted servers do not tell who is connected.
      const workers = await queue.getWorkersCount().catch(() => 0);
      onWorkers?.(workers);
      lonely = workers === 0 ? lonely + 1 : 0;
      if (lonely === 3) warn(`${shown}: no worker is there; 'clipscope worker --queue …' starts one`);
    }
    await sleep(times.poll);
    signal?.throwIfAborted();
  }
}

/** Takes over the results that are there. */
async function collect({ redis, name, left, onResult, ...run }: Run): Promise<void> {
  const { results } = keysOf(name);
  for (const field of await redis.hkeys(results)) {
    const shard = Number(field);
    const packed = left.has(shard) ? await redis.hgetBuffer(results, field) : null;
    const result = packed && (await unpackResult(packed, shard, idsOf(run, shard), run.plan.methods.length));
    if (result) {
      await onResult(result);
      left.delete(shard);
    }
    await redis.hdel(results, field);
  }
}

/** Shards that neither wait, nor run, nor are done: all at first, and after the server lost its memory. */
async function addMissing({ redis, queue, name, left, times }: Run): Promise<void> {
  const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed');
  const known = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (known + (await redis.hlen(keysOf(name).results)) >= left.size) return;
  // Jobs that are there already are left as they are.
  const jobs = [...left].map(shard => ({
    name: 'shard',
    data: { shard },
    opts: {
      jobId: `shard-${shard}`,
      attempts: mostAttempts,
      backoff: { type: 'exponential', delay: times.backoff },
      removeOnComplete: true,
    },
  }));
  for (let from = 0; from < jobs.length; from += 1000) await queue.addBulk(jobs.slice(from, from + 1000));
}

/** What is left of an earlier life of this run, but for what workers have at hand: what is still to do is added anew. */
async function forgetJobs(queue: Queue<ShardJob>): Promise<void> {
  await queue.drain(true);
  for (const job of await queue.getFailed()) await job.remove();
}

/** A shard that nobody could evaluate becomes images that failed. */
async function giveUpFailed({ queue, left, onResult, ...run }: Run): Promise<void> {
  for (const job of await queue.getFailed()) {
    const { shard } = job.data;
    if (left.has(shard)) {
      const reason = /stalled/.test(job.failedReason)
        ? `${mostLosses + 1} workers were lost at its shard`
        : job.failedReason.split('\n', 1)[0]!;
      await onResult({
        shard,
        images: idsOf(run, shard).map(id => ({ id, height: 0, width: 0, methods: [], failure: reason })),
      });
      left.delete(shard);
    }
    await job.remove();
  }
}

/** Leaves nothing of the run on the server. */
async function clear({ redis, queue, name, times }: Run): Promise<void> {
  await withdraw(redis, name);
  // The worker of the last shard still has to say that it is done.
  const deadline = Date.now() + 4 * times.poll;
  while ((await queue.getActiveCount()) > 0 && Date.now() < deadline) await sleep(times.poll / 5);
  await queue.obliterate({ force: true });
  const { announcement, results } = keysOf(name);
  await redis.del(announcement, results);
}

function idsOf({ plan, images, dataset }: Pick<QueuedPlan, 'plan' | 'images' | 'dataset'>, shard: number): string[] {
  return dataset.ids.slice(...shardRange({ plan, images }, shard));
}

/** @throws the signal's reason, where what it ends does not end by itself soon after: it waits for a server that is away */
function ended(signal: AbortSignal | undefined, patience: number): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => setTimeout(reject, patience, signal.reason).unref(), { once: true });
  });
}

/** Tidies up as far as the server lets it. */
const tidy = (work: Promise<unknown>, { connect }: QueueTimes): Promise<unknown> =>
  within(connect, work).catch(() => {});
