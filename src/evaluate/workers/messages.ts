/** What an evaluation and its worker processes tell each other. */
import type { EvaluationPlan, PlanIdentity } from '../plan.js';
import type { ImageRecord, ShardResult } from '../records.js';

/** To a worker: first the plan, then one shard after another. */
export type Order =
  | { readonly kind: 'open'; readonly plan: EvaluationPlan; readonly identity: PlanIdentity }
  | { readonly kind: 'shard'; readonly shard: number; readonly known: readonly ImageRecord[] };

/** From a worker. */
export type News =
  | { readonly kind: 'open' }
  | { readonly kind: 'image'; readonly record: ImageRecord }
  | { readonly kind: 'done'; readonly result: ShardResult }
  /** It goes on to the next shard, if it is asked. */
  | { readonly kind: 'failed'; readonly message: string; readonly isInput: boolean };
