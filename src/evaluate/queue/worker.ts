/** A worker: finds runs on a server, makes sure that it computes the same as everyone else, and evaluates their shards. */
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../../errors.js';
import { quoted } from '../../files/quote.js';
import { versionsHere } from '../../train/runFile.js';
import type { ShardEvaluator } from '../evaluator.js';
import type { EvaluationPlan, PlanIdentity } from '../plan.js';
import type { ShardResult } from '../records.js';
import { type OpenRedis, openRedis, type RedisUse } from './redis.js';
import { type AnnouncedRun, announcedRuns } from './registry.js';
import { serveRun } from './serveRun.js';
import { queueTimes } from './times.js';

/** A plan opened on this machine. */
export interface ServedPlan {
  readonly identity: PlanIdentity;
  /** Makes ready what evaluates as many shards at once. */
  readonly lanes: () => Promise<readonly ShardEvaluator[]>;
}

/** What a worker may be given. */
export interface WorkerOptions extends RedisUse {
  /** Returns when the first run is done, instead of waiting for the next. */
  readonly once?: boolean;
  /** Gives the shards under way back and returns. */
  readonly signal: AbortSignal;
  /** Waiting, or at work on a plan. */
  readonly onPlan?: (plan: EvaluationPlan | undefined) => void;
  readonly onShard?: (result: ShardResult, seconds: number) => void;
}

/**
 * Serves the runs of a queue, one after another.
 * @param open opens a plan with this machine's paths
 * @throws InputError as `openRedis`; when every live run there is another program's, or about another data set, other
 *   weights or other methods than there are here, before it takes any shard; and whatever keeps an evaluator from working
 */
export async function serveQueue(
  url: string,
  open: (plan: EvaluationPlan) => Promise<ServedPlan>,
  { once = false, signal, onPlan, onShard, warn = () => {}, times = queueTimes }: WorkerOptions,
): Promise<void> {
  const connection = await openRedis(url, { times, warn });
  const cancelled = new Promise<void>(done => signal.addEventListener('abort', () => done(), { once: true }));
  const unfit = new Map<string, string>();
  try {
    for (let isWaiting = false; !signal.aborted; ) {
      const found = await Promise.race([findRun(connection, open, unfit), cancelled]);
      if (!found) {
        if (!isWaiting && !signal.aborted) onPlan?.(undefined);
        isWaiting = true;
        await Promise.race([sleep(times.poll), cancelled]);
        continue;
      }
      isWaiting = false;
      onPlan?.(found.run.plan);
      await serveRun(connection.redis, found.run.name, await found.served.lanes(), {
        signal,
        warn,
        times,
        ...(onShard && { onShard }),
      });
      if (once) return;
    }
  } finally {
    connection.close();
  }
}

/** The first run that this machine can serve; undefined where there is none yet. @throws InputError when none fits */
async function findRun(
  { redis, shown }: OpenRedis,
  open: (plan: EvaluationPlan) => Promise<ServedPlan>,
  unfit: Map<string, string>,
): Promise<{ run: AnnouncedRun; served: ServedPlan } | undefined> {
  const runs = await announcedRuns(redis);
  for (const run of runs) {
    if (unfit.has(run.name)) continue;
    try {
      return { run, served: await openFitting(run, open) };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      unfit.set(run.name, error.message);
    }
  }
  const refusal = runs.find(({ isLive }) => isLive);
  if (!refusal) return undefined;
  const [dataset, reason] = [quoted(refusal.plan.dataset), unfit.get(refusal.name)];
  throw new InputError(`${shown}: the run of ${dataset} is not for this worker: ${reason}`);
}

/** @throws InputError that says what differs */
async function openFitting(
  { clipscope, plan, identity }: AnnouncedRun,
  open: (plan: EvaluationPlan) => Promise<ServedPlan>,
): Promise<ServedPlan> {
  const checkVersion = (theirs: string, ours: string) => {
    if (ours !== theirs) throw new InputError(`it is of clipscope ${theirs}, and this is ${ours}; install the same`);
  };
  // Before the plan is read: another version's may mean something else.
  checkVersion(clipscope, versionsHere().clipscope);
  const served = await open(plan);
  const own = served.identity;
  checkVersion(identity.version, own.version);
  const differing = (what: string, flag: string, key: 'weights' | 'dataset' | 'hash') => {
    if (own[key] === identity[key]) return;
    const [theirs, ours] = [identity[key], own[key]].map(hash => hash.slice(0, 12));
    throw new InputError(
      `its ${what} (SHA-256 ${theirs}…) ${what.endsWith('s') ? 'are' : 'is'} not what is here (${ours}…); see ${flag}`,
    );
  };
  differing('weights', '--model', 'weights');
  differing('data set', '--dataset', 'dataset');
  differing('methods', '--method', 'hash');
  return served;
}
