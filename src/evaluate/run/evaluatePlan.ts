/**
 * A whole plan: in this process, in several, or by workers anywhere at a queue; in memory or in a folder that outlives a
 * crash.
 */
import { openEvaluator, type ShardEvaluator } from '../evaluator.js';
import { encodeTexts } from '../methods/encodeTexts.js';
import { groupMethods } from '../methods/groups.js';
import { queueShards } from '../queue/coordinator.js';
import type { ImageRecord, ShardResult } from '../records.js';
import { openWorkers } from '../workers/pool.js';
import type { OpenPlan } from './openPlan.js';
import { type RunFolder, withRunFolder } from './runFolder.js';

/** How a plan is evaluated. */
export interface EvaluateOptions {
  /** Keeps what is finished, and takes up what was finished before. */
  readonly folder?: string;
  /** Processes, default 1: this one alone. */
  readonly workers?: number;
  /** The address of a queue whose workers do it, in place of processes here. */
  readonly queue?: string;
  /** Takes the number of workers at the queue, now and then. */
  readonly onWorkers?: (count: number) => void;
  /** Stops after the images under way; finished shards are kept. */
  readonly signal?: AbortSignal;
  /** Takes what shards of earlier runs hold, at once. */
  readonly onKept?: (records: readonly ImageRecord[]) => void;
  readonly onImage?: (record: ImageRecord) => void;
  readonly onTexts?: (done: number, total: number) => void;
  /** Takes lines of advice. */
  readonly warn?: (text: string) => void;
}

/**
 * Evaluates all shards of a plan that are not finished yet.
 * @returns every shard, in order: the same whatever the number of workers and of interruptions
 * @throws InputError as `withRunFolder`, `openEvaluator` and `queueShards`; the signal's reason
 */
export async function evaluatePlan(open: OpenPlan, options: EvaluateOptions = {}): Promise<ShardResult[]> {
  const { folder, warn = () => {} } = options;
  if (folder === undefined) return runShards(open, noFolder, options);
  return withRunFolder(folder, open, warn, run => runShards(open, run, options));
}

const noFolder: RunFolder = { finished: [], save() {}, log() {} };

async function runShards(open: OpenPlan, run: RunFolder, options: EvaluateOptions): Promise<ShardResult[]> {
  const results = new Map(run.finished.map(result => [result.shard, result]));
  options.onKept?.(run.finished.flatMap(({ images }) => images));
  const left = Array.from({ length: open.shards }, (_, shard) => shard).filter(shard => !results.has(shard));
  const { onImage, onWorkers, signal, warn, queue } = options;
  const finish = (result: ShardResult, details: object = {}) => {
    run.save(result);
    results.set(result.shard, result);
    const failures = result.images.flatMap(({ id, failure }) => (failure === undefined ? [] : [{ id, failure }]));
    const { shard, images } = result;
    run.log('shard', { shard, images: images.length, ...details, ...(failures.length > 0 && { failures }) });
  };
  if (left.length > 0 && queue !== undefined) {
    await queueShards(queue, open, left, {
      onResult(result) {
        finish(result);
        for (const record of result.images) onImage?.(record);
      },
      ...(onWorkers && { onWorkers }),
      ...(signal && { signal }),
      ...(warn && { warn }),
    });
  } else if (left.length > 0) {
    await inLanes(open, left, options, async (lane, shard, stop) => {
      const started = performance.now();
      const result = await lane.evaluate(shard, { signal: stop, ...(onImage && { onImage }) });
      finish(result, { seconds: Math.round(performance.now() - started) / 1000 });
    });
  }
  run.log('end', { shards: results.size });
  return [...results.values()].sort((a, b) => a.shard - b.shard);
}

/** Hands shards to evaluators as these come free. The first fault stops them all. */
async function inLanes(
  open: OpenPlan,
  shards: readonly number[],
  { workers = 1, signal, onTexts, warn }: EvaluateOptions,
  work: (lane: ShardEvaluator, shard: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { plan, dataset, identity } = open;
  const count = Math.min(workers, shards.length);
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal!.reason);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  // Workers find the texts where this process leaves them.
  if (count > 1) await encodeTexts(groupMethods(open.methods, open.model), open, onTexts);
  const lanes =
    count > 1
      ? openWorkers(open, count)
      : [await openEvaluator(plan, { dataset, identity, ...(onTexts && { onTexts }), ...(warn && { warn }) })];
  const queue = shards.values();
  try {
    await Promise.all(
      lanes.map(async lane => {
        try {
          for (const shard of queue) await work(lane, shard, stop.signal);
        } catch (error) {
          stop.abort(error);
        }
      }),
    );
    stop.signal.throwIfAborted();
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await Promise.all(lanes.map(lane => lane.dispose()));
  }
}
