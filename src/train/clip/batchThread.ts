/** A thread that draws batches for `batches.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../../errors.js';
import type { BatchReply, BatchRequest } from './batchMessages.js';
import { drawBatch, openStudio, type SceneBatchPlan } from './sceneBatch.js';

const port = parentPort!;
const plan = workerData as SceneBatchPlan;
const studio = openStudio(plan);

port.on('message', ({ step, memory }: BatchRequest) => {
  try {
    drawBatch(plan, step, studio, memory.pixels, memory.ids);
    port.postMessage({ memory } satisfies BatchReply, [memory.pixels.buffer, memory.ids.buffer]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ message, isInput: error instanceof InputError } satisfies BatchReply);
  }
});
