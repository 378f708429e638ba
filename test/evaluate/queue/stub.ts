/** A plan without a network: what is found in an image depends on its name alone, and takes as long as it is told to. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ShardEvaluator } from '../../../src/evaluate/evaluator.js';
import type { EvaluationPlan, PlanIdentity } from '../../../src/evaluate/plan.js';
import type { QueuedPlan } from '../../../src/evaluate/queue/coordinator.js';
import type { QueueTimes } from '../../../src/evaluate/queue/times.js';
import type { ServedPlan } from '../../../src/evaluate/queue/worker.js';
import type { ImageRecord, ShardResult } from '../../../src/evaluate/records.js';
import { shardRange } from '../../../src/evaluate/run/openPlan.js';

/** Impatient enough that faults are over within seconds. */
export const quick: QueueTimes = {
  connect: 2000,
  poll: 50,
  beat: 200,
  lease: 600,
  kept: 60_000,
  lock: 800,
  stalled: 200,
  backoff: 50,
};

/** `image-0`, `image-1` … */
export const names = (count: number): string[] => range(count).map(i => `image-${i}`);

/** 0, 1 … */
export const range = (count: number): number[] => [...Array(count).keys()];

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** A plan over images of these names. */
export function stubPlan(ids: readonly string[], shardSize: number, changes: Partial<PlanIdentity> = {}): QueuedPlan {
  const plan: EvaluationPlan = {
    dataset: 'stub:here',
    model: 'stub',
    methods: [{ label: 'clip', method: 'clip' }],
    engine: 'cpu',
    shardSize,
  };
  const parts = { version: '1', weights: sha256('weights'), dataset: sha256(ids.join()) };
  const identity = { hash: sha256(JSON.stringify([parts, shardSize])), ...parts, ...changes };
  const dataset = { spec: plan.dataset, ids } as unknown as QueuedPlan['dataset'];
  return { plan, identity, dataset, images: ids.length };
}

/** Numbers that only the right image has, several hundred of them. */
export function stubRecord(id: string): ImageRecord {
  const pairs = [...sha256(id).repeat(5)].flatMap((digit, i) => [i, i, Number.parseInt(digit, 16)]);
  return { id, height: 2, width: 3, methods: [{ pairs, boundary: [0, 1, 2] }] };
}

/** What one process makes of a shard. */
export function stubShard(open: QueuedPlan, shard: number): ShardResult {
  return { shard, images: open.dataset.ids.slice(...shardRange(open, shard)).map(stubRecord) };
}

export const stubTable = (open: QueuedPlan, shards: readonly number[]) =>
  JSON.stringify(shards.map(shard => stubShard(open, shard)));

/**
 * Evaluates shards of a stub. By their names, images do what images do: `bad` ones fail, `fault` ones break the
 * evaluator, `deadly` ones end the process.
 */
export function stubLane(open: QueuedPlan, imageMs: number, onImage: (id: string) => void = () => {}): ShardEvaluator {
  return {
    async evaluate(shard, { signal } = {}) {
      const images: ImageRecord[] = [];
      for (const id of open.dataset.ids.slice(...shardRange(open, shard))) {
        signal?.throwIfAborted();
        onImage(id);
        await sleep(imageMs, undefined, signal && { signal });
        if (id.startsWith('fault')) throw new Error(`${id}: the runtime broke`);
        if (id.startsWith('deadly')) process.kill(process.pid, 'SIGKILL');
        const record = stubRecord(id);
        images.push(id.startsWith('bad') ? { ...record, methods: [], failure: `${id}: no picture` } : record);
      }
      return { shard, images };
    },
    async dispose() {},
  };
}

export const stubServed = (open: QueuedPlan, imageMs: number, onImage?: (id: string) => void): ServedPlan => ({
  identity: open.identity,
  lanes: async () => [stubLane(open, imageMs, onImage)],
});
