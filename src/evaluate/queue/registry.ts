/** The runs on a Redis server: what they want done, and who coordinates them. */
import type { Redis } from 'ioredis';
import type { EvaluationPlan, PlanIdentity } from '../plan.js';
import type { QueueTimes } from './times.js';

/** What a coordinator tells to workers. */
export interface Announcement {
  /** The version of the program that made the plan. */
  readonly clipscope: string;
  readonly plan: EvaluationPlan;
  readonly identity: PlanIdentity;
}

/** A run that a server knows. */
export interface AnnouncedRun extends Announcement {
  readonly name: string;
  /** Whether its coordinator shows signs of life. */
  readonly isLive: boolean;
}

/** All keys begin with it: BullMQ's too, then `:NAME:`. */
export const prefix = 'clipscope';

const runs = `${prefix}:runs`;

/** What a run's queue is called: the same plan on the same data with the same weights has the same name everywhere. */
export const runName = ({ hash }: PlanIdentity): string => hash.slice(0, 32);

/** Keys of a run beside BullMQ's, whose jobs have other names. */
export const keysOf = (name: string) => ({
  announcement: `${prefix}:${name}:announcement`,
  coordinator: `${prefix}:${name}:coordinator`,
  results: `${prefix}:${name}:results`,
  /** BullMQ's, which its workers make anew for a queue that is gone. */
  leftovers: [`${prefix}:${name}:meta`, `${prefix}:${name}:stalled-check`],
});

/** Tells workers of a run, or that it is still wanted. */
export async function announce(redis: Redis, announcement: Announcement, { kept }: QueueTimes): Promise<void> {
  const name = runName(announcement.identity);
  await redis.set(keysOf(name).announcement, JSON.stringify(announcement), 'PX', kept);
  await redis.zadd(runs, Date.now(), name);
}

/** Takes a run back: workers leave it, and take no result of it any more. */
export async function withdraw(redis: Redis, name: string): Promise<void> {
  await redis.zrem(runs, name);
  await redis.del(keysOf(name).announcement);
}

export const isAnnounced = async (redis: Redis, name: string): Promise<boolean> =>
  (await redis.exists(keysOf(name).announcement)) === 1;

/** The runs on a server: those with a live coordinator first, each in the order in which they were last heard of. */
export async function announcedRuns(redis: Redis): Promise<AnnouncedRun[]> {
  const found: AnnouncedRun[] = [];
  for (const name of await redis.zrange(runs, 0, -1)) {
    const { announcement, coordinator } = keysOf(name);
    const text = await redis.get(announcement);
    if (text === null) {
      await redis.zrem(runs, name);
      continue;
    }
    found.push({ ...(JSON.parse(text) as Announcement), name, isLive: (await redis.exists(coordinator)) === 1 });
  }
  return found.sort((a, b) => Number(b.isLive) - Number(a.isLive));
}

const claimLease = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false`;

/** Makes `holder` the run's coordinator, or keeps it that. @returns who is it already, where that is another */
export async function claim(
  redis: Redis,
  name: string,
  holder: string,
  { lease }: QueueTimes,
): Promise<string | undefined> {
  const other = await redis.eval(claimLease, 1, keysOf(name).coordinator, holder, lease);
  return other === null ? undefined : String(other);
}

const releaseLease = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

export async function release(redis: Redis, name: string, holder: string): Promise<void> {
  await redis.eval(releaseLease, 1, keysOf(name).coordinator, holder);
}
