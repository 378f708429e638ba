/** A thread that draws batches for `batches.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../../errors.js';
import { type BatchReply, type BatchRequest, buffersOf } from './batchMessages.js';
import { drawBatch, openStudio, type SceneBatchPlan } from './sceneBatch.js';

const port = parentPort!;
const plan = workerData as SceneBatchPlan;
const studio = openStudio(plan);

port.on('message', ({ step, memory }: BatchRequest) => {
  try {
    drawBatch(plan, step, studio, memory);
    port.postMessage({ memory } satisfies BatchReply, buffersOf(memory));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ message, isInput: error instanceof InputError } satisfies BatchReply);
  }
});
