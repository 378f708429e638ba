import { Worker } from 'node:worker_threads';

/** Node refuses threads that start from a file when its own program came from the command line in another form. */
const fromCommandLine = process.execArgv.some(flag => flag.startsWith('--input-type'));

/** Starts a thread; `data` is its `workerData`. */
export const startThread = (module: URL, data?: unknown): Worker =>
  new Worker(module, { workerData: data, ...(fromCommandLine && { execArgv: [] }) });

/** What a thread that is started for it alone says first. @throws what ended it before */
export function inThread<T>(module: URL, data: unknown): Promise<T> {
  const worker = startThread(module, data);
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`a thread ended without a word: ${module}`)));
  });
}
