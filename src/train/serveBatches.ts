/** The other side of `threadedBatches`: what a thread that makes batches runs. */
import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../errors.js';
import type { Values } from '../tensor/compile.js';
import { type BatchReply, type BatchRequest, buffersOf } from './batchMessages.js';

/**
 * Makes the batch of a step, each of its arrays in a buffer of its own.
 * @param spare an earlier batch, whose memory may be written over; see `floatsIn`
 */
export type MakeBatch = (
  step: number,
  spare: readonly Values[] | undefined,
) => readonly Values[] | Promise<readonly Values[]>;

/**
 * Makes batches for the thread that started this one, one at a time, as long as it lives.
 * @param open what to do first, with the plan that the thread was given
 */
export function serveBatches<Plan>(open: (plan: Plan, advise: (text: string) => void) => MakeBatch): void {
  const port = parentPort!;
  const say = (reply: BatchReply, buffers: ArrayBuffer[] = []) => port.postMessage(reply, buffers);
  const make = open(workerData as Plan, advice => say({ advice }));
  port.on('message', async ({ step, spare }: BatchRequest) => {
    try {
      const batch = await make(step, spare);
      say({ batch }, buffersOf(batch));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      say({ message, isInput: error instanceof InputError });
    }
  });
}

/** So many numbers in the memory of a value of an earlier batch where it is large enough, else in new memory. */
export function floatsIn(spare: Values | undefined, length: number): Float32Array<ArrayBuffer> {
  const buffer = spare?.data.buffer as ArrayBuffer | undefined;
  return buffer && buffer.byteLength >= 4 * length ? new Float32Array(buffer, 0, length) : new Float32Array(length);
}
