/** A thread as Node has it; a browser has `thread.browser.ts` in its place. */
import { Worker } from 'node:worker_threads';
import type { Reply, Request } from './messages.js';

export interface Thread {
  post(request: Request, transfer: ArrayBuffer[]): void;
  /** Whether the thread, while it runs, keeps the process alive. */
  hold(hold: boolean): void;
  end(): Promise<void>;
}

/** What is done with what comes from a thread. */
export interface Listener {
  message(reply: Reply): void;
  /** Called at the end, whatever its reason, and perhaps again. */
  ended(error: Error): void;
}

/** Node refuses threads that start from a file when its own program came from the command line in another form. */
const fromCommandLine = process.execArgv.some(flag => flag.startsWith('--input-type'));

/** Starts the thread that answers requests, see `workerThread.ts`. */
export function startThread(on: Listener): Thread {
  const worker = new Worker(new URL('./workerThread.js', import.meta.url), fromCommandLine ? { execArgv: [] } : {});
  worker.unref();
  worker.on('message', on.message);
  worker.on('error', error => on.ended(new Error(`compiled function: its thread broke down: ${error.message}`)));
  worker.on('exit', () => on.ended(new Error('compiled function: its thread has ended')));
  return {
    post: (request, transfer) => worker.postMessage(request, transfer),
    hold: hold => (hold ? worker.ref() : worker.unref()),
    async end() {
      await worker.terminate();
    },
  };
}
