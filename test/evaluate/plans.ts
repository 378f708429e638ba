/** Plans for tests: the embedded model on a few scenes. */
import { methodSpecs } from '../../src/evaluate/methods/specs.js';
import type { EvaluationPlan } from '../../src/evaluate/plan.js';

/** Six scenes by SCLIP and ClearCLIP, two to a shard, unless told otherwise. */
export const planFor = (change: Partial<EvaluationPlan> = {}): EvaluationPlan => ({
  dataset: 'scenes:n=6',
  model: 'weights/scenes',
  methods: methodSpecs('sclip,clearclip', 'clip'),
  engine: 'ort',
  threads: 1,
  shardSize: 2,
  ...change,
});
