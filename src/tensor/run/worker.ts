import { Worker } from 'node:worker_threads';
import { InputError } from '../../errors.js';
import type { Host, Values } from './host.js';
import { asPlain, type Failure, type Reply, type Request, type Tasks } from './messages.js';

/**
 * Runs graphs in a thread of their own, one for each session: starting one, running it and waiting for it leave this
 * thread's event loop free but for the copying of inputs. The thread keeps the process alive only while something is
 * asked of it.
 *
 * @throws InputError when `onnxruntime-node` does not load on this machine.
 */
export const workerHost: Host = async program => {
  const thread = startThread();
  try {
    await thread.ask('start', program, [program.model.buffer as ArrayBuffer]);
  } catch (error) {
    await thread.end();
    throw error;
  }
  return {
    run(inputs) {
      const copies = Object.entries(inputs).map(([name, values]) => [name, asPlain(values)] as const);
      return thread.ask('run', Object.fromEntries(copies), copies.map(bufferOf));
    },
    async release() {
      try {
        await thread.ask('release', undefined);
      } finally {
        await thread.end();
      }
    },
  };
};

const bufferOf = ([, { data }]: readonly [string, Values]) => data.buffer as ArrayBuffer;

/** Node refuses threads that start from a file when its own program came from the command line in another form. */
const fromCommandLine = process.execArgv.some(flag => flag.startsWith('--input-type'));

/** A thread, and how to ask it for something and get the answer. */
function startThread() {
  const worker = new Worker(new URL('./workerThread.js', import.meta.url), fromCommandLine ? { execArgv: [] } : {});
  worker.unref();
  interface Waiting {
    resolve(value: never): void;
    reject(error: Error): void;
  }
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  let ended: Error | undefined;

  const settle = (id: number, how: (one: Waiting) => void) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (one) how(one);
  };
  const endAll = (error: Error) => {
    ended ??= error;
    for (const id of [...waiting.keys()]) settle(id, ({ reject }) => reject(error));
  };
  worker.on('message', ({ id, value, failure }: Reply) => {
    settle(id, ({ resolve, reject }) => (failure ? reject(asError(failure)) : resolve(value as never)));
  });
  worker.on('error', error => endAll(new Error(`compiled function: its thread broke down: ${error.message}`)));
  worker.on('exit', () => endAll(new Error('compiled function: its thread has ended')));

  return {
    ask<Name extends keyof Tasks>(task: Name, given: Tasks[Name]['given'], transfer: ArrayBuffer[] = []) {
      return new Promise<Tasks[Name]['result']>((resolve, reject) => {
        if (ended) {
          reject(ended);
          return;
        }
        const id = asked++;
        waiting.set(id, { resolve, reject });
        worker.ref();
        worker.postMessage({ id, task, given } as Request, transfer);
      });
    },
    async end(): Promise<void> {
      await worker.terminate();
    },
  };
}

const asError = ({ message, isInput }: Failure): Error => (isInput ? new InputError(message) : new Error(message));
