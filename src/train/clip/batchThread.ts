/** A thread that draws batches for `batches.ts`. */
import type { Values } from '../../tensor/compile.js';
import { serveBatches } from '../serveBatches.js';
import { type BatchMemory, batchMemory, drawBatch, openStudio, type SceneBatchPlan } from './sceneBatch.js';

serveBatches((plan: SceneBatchPlan) => {
  const studio = openStudio(plan);
  const { batch, size, tokens } = plan;
  return (step, spare) => {
    const { pixels, ids, dropped } = spare ? memoryOf(spare) : batchMemory(plan);
    drawBatch(plan, step, studio, { pixels, ids, dropped });
    return [
      { data: pixels, shape: [batch, 3, size, size] },
      { data: ids, shape: [batch, tokens] },
      { data: dropped, shape: [batch] },
    ];
  };
});

const memoryOf = ([pixels, ids, dropped]: readonly Values[]): BatchMemory =>
  ({ pixels: pixels!.data, ids: ids!.data, dropped: dropped!.data }) as BatchMemory;
