import { Worker } from 'node:worker_threads';
import { InputError } from '../errors.js';
import type { Values } from '../tensor/compile.js';
import { type BatchReply, type BatchRequest, buffersOf } from './batchMessages.js';
import type { BatchSource } from './task.js';

interface Job {
  readonly step: number;
  resolve(batch: readonly Values[]): void;
  reject(error: Error): void;
}

/** Node refuses threads that start from a file when its own program came from the command line in another form. */
const fromCommandLine = process.execArgv.some(flag => flag.startsWith('--input-type'));

export interface BatchThreads {
  /** The module that a thread runs, which calls `serveBatches`. */
  readonly module: URL;
  /** What decides, with the step, what is in a batch. Plain data. */
  readonly plan: object;
  /** Each makes one batch at a time; default 1. */
  readonly threads?: number;
  /** Takes lines of advice from the threads. */
  readonly warn?: (text: string) => void;
}

/** Batches made in threads of their own. The memory of one is used again once it has been released. */
export function threadedBatches({ module, plan, threads = 1, warn = () => {} }: BatchThreads): BatchSource {
  const jobs: Job[] = [];
  const spares: (readonly Values[])[] = [];
  const makers = Array.from({ length: threads }, () => openMaker(module, plan, { next, warn }));
  let closed = false;

  function next(): void {
    for (const maker of makers) {
      if (jobs.length === 0) return;
      if (maker.isBusy()) continue;
      maker.make(jobs.shift()!, spares.pop());
    }
  }

  return {
    async batch(step) {
      if (closed) throw new InputError('batches: asked for after they were closed');
      return new Promise((resolve, reject) => {
        jobs.push({ step, resolve, reject });
        next();
      });
    },
    release: batch => void spares.push(batch),
    async close() {
      closed = true;
      for (const { reject } of jobs.splice(0)) reject(new InputError('batches: closed before it was made'));
      await Promise.all(makers.map(maker => maker.end()));
    },
  };
}

/** A thread that makes batches. It keeps the process alive only while it makes one. */
function openMaker(module: URL, plan: object, { next, warn }: { next: () => void; warn: (text: string) => void }) {
  const worker = new Worker(module, { workerData: plan, ...(fromCommandLine && { execArgv: [] }) });
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
    next();
  };
  worker.on('message', (reply: BatchReply) => {
    if ('advice' in reply) return warn(reply.advice);
    settle(({ resolve, reject }) => {
      if ('batch' in reply) resolve(reply.batch);
      else reject(reply.isInput ? new InputError(reply.message) : new Error(reply.message));
    });
    next();
  });
  worker.on('error', error => fail(new Error(`batches: a thread that makes them broke down: ${error.message}`)));
  worker.on('exit', () => fail(new Error('batches: a thread that makes them has ended')));

  return {
    isBusy: () => job !== undefined,
    make(given: Job, spare: readonly Values[] | undefined) {
      if (dead) return given.reject(dead);
      job = given;
      worker.ref();
      const request: BatchRequest = { step: given.step, ...(spare && { spare }) };
      worker.postMessage(request, spare ? buffersOf(spare) : []);
    },
    async end() {
      await worker.terminate();
    },
  };
}
