import type { BatchSource } from '../task.js';
import { threadedBatches } from '../threadedBatches.js';
import { type SceneBatchPlan, scenesOfStep } from './sceneBatch.js';

/**
 * Batches of scenes with captions, drawn in threads of their own: pixels `[batch, 3, size, size]` as the model sees them,
 * token ids `[batch, tokens]` int32, and `[batch]` ones for pictures of a stage's `classDropout`. What is in a batch is a
 * matter of the plan and the step alone.
 * @param threads that draw, each one batch at a time; default 1
 */
export function sceneBatches(plan: SceneBatchPlan, { threads = 1 }: { threads?: number } = {}): BatchSource {
  return {
    ...threadedBatches({ module: new URL('./batchThread.js', import.meta.url), plan, threads }),
    describe(step) {
      const [first, last] = scenesOfStep(plan, step);
      return `seed ${plan.seed}, scenes ${first} to ${last}`;
    },
  };
}
