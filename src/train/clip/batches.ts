import { Worker } from 'node:worker_threads';
import { InputError } from '../../errors.js';
import type { Values } from '../../tensor/compile.js';
import type { BatchSource } from '../task.js';
import { type BatchMemory, type BatchReply, type BatchRequest, buffersOf } from './batchMessages.js';
import { batchMemory, type SceneBatchPlan, scenesOfStep } from './sceneBatch.js';

interface Job {
  readonly step: number;
  resolve(memory: BatchMemory): void;
  reject(error: Error): void;
}

/** Node refuses threads that start from a file when its own program came from the command line in another form. */
const fromCommandLine = process.execArgv.some(flag => flag.startsWith('--input-type'));

/**
 * Batches of scenes with captions, drawn in threads of their own: pixels `[batch, 3, size, size]` as the model sees them,
 * token ids `[batch, tokens]` int32, and `[batch]` ones for pictures of a stage's `classDropout`. What is in a batch is a matter of the plan and the step alone. Its memory is
 * used again once it has been released.
 * @param threads that draw, each one batch at a time; default 1
 */
export function sceneBatches(plan: SceneBatchPlan, { threads = 1 }: { threads?: number } = {}): BatchSource {
  const { batch, size, tokens } = plan;
  const jobs: Job[] = [];
  const spare: BatchMemory[] = [];
  const painters = Array.from({ length: threads }, () => openPainter(plan, next));
  let closed = false;

  function next(): void {
    for (const painter of painters) {
      if (jobs.length === 0) return;
      if (painter.isBusy()) continue;
      painter.draw(jobs.shift()!, spare.pop() ?? batchMemory(plan));
    }
  }

  return {
    async batch(step) {
      if (closed) throw new InputError('batches: asked for after they were closed');
      const { pixels, ids, dropped } = await new Promise<BatchMemory>((resolve, reject) => {
        jobs.push({ step, resolve, reject });
        next();
      });
      return [
        { data: pixels, shape: [batch, 3, size, size] },
        { data: ids, shape: [batch, tokens] },
        { data: dropped, shape: [batch] },
      ];
    },
    release([pixels, ids, dropped]: readonly Values[]) {
      spare.push({ pixels: pixels!.data, ids: ids!.data, dropped: dropped!.data } as BatchMemory);
    },
    describe(step) {
      const [first, last] = scenesOfStep(plan, step);
      return `seed ${plan.seed}, scenes ${first} to ${last}`;
    },
    async close() {
      closed = true;
      for (const { reject } of jobs.splice(0)) reject(new InputError('batches: closed before it was drawn'));
      await Promise.all(painters.map(painter => painter.end()));
    },
  };
}

/** A drawing thread. It keeps the process alive only while it draws. */
function openPainter(plan: SceneBatchPlan, onIdle: () => void) {
  const worker = new Worker(new URL('./batchThread.js', import.meta.url), {
    workerData: plan,
    ...(fromCommandLine && { execArgv: [] }),
  });
  worker.unref();
  let job: Job | undefined;
  let dead: Error | undefined;

  const settle = (how: (job: Job) => void) => {
    const done = job;
    job = undefined;
    worker.unref();
    if (done) how(done);
  };
  const fail = (error: Error) => {
    dead ??= error;
    settle(({ reject }) => reject(error));
    onIdle();
  };
  worker.on('message', (reply: BatchReply) => {
    settle(({ resolve, reject }) => {
      if ('memory' in reply) resolve(reply.memory);
      else reject(reply.isInput ? new InputError(reply.message) : new Error(reply.message));
    });
    onIdle();
  });
  worker.on('error', error => fail(new Error(`batches: a drawing thread broke down: ${error.message}`)));
  worker.on('exit', () => fail(new Error('batches: a drawing thread has ended')));

  return {
    isBusy: () => job !== undefined,
    draw(given: Job, memory: BatchMemory) {
      if (dead) return given.reject(dead);
      job = given;
      worker.ref();
      const request: BatchRequest = { step: given.step, memory };
      worker.postMessage(request, buffersOf(memory));
    },
    async end() {
      await worker.terminate();
    },
  };
}
