/** A plan with all that can be known of it before a network runs. */
import { describeModel, type ModelDescription } from '../../checkpoint/loadClip.js';
import { InputError } from '../../errors.js';
import { checkWhole } from '../../segment/dense/checks.js';
import { versionsHere } from '../../train/runFile.js';
import type { Dataset } from '../datasets/dataset.js';
import { openDataset } from '../datasets/openDataset.js';
import { checkLabels, type ResolvedMethod, resolveMethod } from '../methods/resolve.js';
import type { EvaluationPlan, PlanIdentity } from '../plan.js';
import type { Versions } from '../table.js';
import { identityOf } from './identity.js';

/** A plan held against its data set, its model and its methods. */
export interface OpenPlan {
  readonly plan: EvaluationPlan;
  readonly dataset: Dataset;
  readonly model: ModelDescription;
  readonly methods: readonly ResolvedMethod[];
  readonly identity: PlanIdentity;
  readonly versions: Versions;
  readonly images: number;
  readonly shards: number;
}

/** What is known of a plan already. */
export interface KnownParts {
  readonly dataset?: Dataset;
  /** Spares reading the weights for their hash. */
  readonly identity?: PlanIdentity;
}

/**
 * Opens what a plan names and fills in its methods; no weights go to an engine.
 * @throws InputError for a data set, model or method that is missing or broken, or a data set without images
 */
export async function openPlan(plan: EvaluationPlan, known: KnownParts = {}): Promise<OpenPlan> {
  checkWhole(plan.shardSize, 'evaluate: images in a shard', 1);
  if (plan.limit !== undefined) checkWhole(plan.limit, 'evaluate: limit', 1);
  checkLabels(plan.methods);
  const dataset = known.dataset ?? (await openDataset(plan.dataset, { classesFile: plan.classesFile }));
  if (dataset.ids.length === 0) throw new InputError(`${plan.dataset}: expected labelled images there, found none`);
  const model = describeModel(plan.model, plan.activation ? { activation: plan.activation } : {});
  const methods: ResolvedMethod[] = [];
  for (const spec of plan.methods) methods.push(await resolveMethod(spec, dataset, model));
  const images = Math.min(plan.limit ?? dataset.ids.length, dataset.ids.length);
  return {
    plan,
    dataset,
    model,
    methods,
    identity: known.identity ?? (await identityOf(plan, model, dataset)),
    versions: versionsHere(),
    images,
    shards: Math.ceil(images / plan.shardSize),
  };
}

/** The images of a shard, by their places in the data set. */
export function shardRange(
  { plan, images }: Pick<OpenPlan, 'plan' | 'images'>,
  shard: number,
): [from: number, to: number] {
  const from = shard * plan.shardSize;
  return [from, Math.min(from + plan.shardSize, images)];
}

/** Images in a shard by default: many shards of a small data set, so that workers share it well; few lost at a crash. */
export const defaultShardSize = (images: number): number => Math.min(16, Math.max(1, Math.ceil(images / 64)));
