import { openEvaluator } from '../../evaluate/evaluator.js';
import type { EvaluationPlan, MethodSpec } from '../../evaluate/plan.js';
import type { ShardResult } from '../../evaluate/records.js';
import { openPlan } from '../../evaluate/run/openPlan.js';
import { openWorkers } from '../../evaluate/workers/pool.js';
import { joined } from '../floats.js';
import type { Work } from './work.js';

export interface EvaluateGiven {
  readonly plan: EvaluationPlan;
  /** Methods that fill the plan's prefix cache beforehand. */
  readonly fill?: readonly MethodSpec[];
  /** Whether the output begins with the label of every pixel, which is found beforehand. */
  readonly looks?: boolean;
  /** In so many processes of their own, started beforehand. Their processor time is not this one's. */
  readonly workers?: number;
}

/** Evaluates all images of a plan of one method; gives the counts of pairs of classes. */
export async function evaluate({ plan, fill, looks = false, workers }: EvaluateGiven): Promise<Work> {
  if (fill) await evaluateOnce({ ...plan, methods: fill });
  if (workers) return inWorkers(plan, workers);
  const evaluator = await openEvaluator(plan);
  const labels: Float32Array[] = [];
  for (let index = 0; looks && index < evaluator.images; index++) {
    const { segmentations } = await evaluator.look(index);
    labels.push(...segmentations.map(segmentation => Float32Array.from(segmentation.labels)));
  }
  const { shards, dataset, dispose } = evaluator;
  const work = async () => {
    const results: ShardResult[] = [];
    for (let shard = 0; shard < shards; shard++) results.push(await evaluator.evaluate(shard));
    return joined([...labels, pairCounts(results, dataset.classes.length)]);
  };
  return Object.assign(work, { end: dispose });
}

async function evaluateOnce(plan: EvaluationPlan): Promise<void> {
  const work = await evaluate({ plan });
  await work();
  await work.end?.();
}

/** Hands shards to processes as these come free, as `evaluatePlan` does. */
async function inWorkers(plan: EvaluationPlan, count: number): Promise<Work> {
  const open = await openPlan(plan);
  const lanes = openWorkers(open, count);
  // All are started by then: none waits for another's first shard.
  await Promise.all(lanes.map((lane, i) => lane.evaluate(i % open.shards)));
  const work = async () => {
    const results: ShardResult[] = [];
    const shards = Array(open.shards).keys();
    const serve = async (lane: (typeof lanes)[number]) => {
      for (const shard of shards) results.push(await lane.evaluate(shard));
    };
    await Promise.all(lanes.map(serve));
    return pairCounts(results, open.dataset.classes.length);
  };
  const end = async () => {
    await Promise.all(lanes.map(lane => lane.dispose()));
  };
  return Object.assign(work, { end });
}

/** Pixels of each class that were taken for each class, `[truth, predicted]`, of the only method. */
function pairCounts(results: readonly ShardResult[], classes: number): Float32Array {
  const counts = new Float32Array(classes * classes);
  for (const { failure, methods } of results.flatMap(({ images }) => images)) {
    if (failure !== undefined) throw new Error(failure);
    const { pairs } = methods[0]!;
    for (let i = 0; i < pairs.length; i += 3) counts[pairs[i]! * classes + pairs[i + 1]!]! += pairs[i + 2]!;
  }
  return counts;
}
