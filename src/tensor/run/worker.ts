import { InputError } from '../../errors.js';
import type { Host, Values } from './host.js';
import { asPlain, type Failure, type Reply, type Request, type Tasks } from './messages.js';
import { startThread } from './thread.js';

/**
 * Runs graphs in a thread of their own, one for each session: starting one, running it and waiting for it leave this
 * thread's event loop free but for the copying of inputs. The thread keeps a process alive only while something is
 * asked of it.
 *
 * @throws InputError when the runtime, or a page's worker, does not load here.
 */
export const workerHost: Host = async program => {
  const thread = openThread();
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
    kept: () => thread.ask('kept', undefined),
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

/** A thread, and how to ask it for something and get the answer. */
function openThread() {
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
    if (waiting.size === 0) thread.hold(false);
    if (one) how(one);
  };
  const thread = startThread({
    message({ id, value, failure }: Reply) {
      settle(id, ({ resolve, reject }) => (failure ? reject(asError(failure)) : resolve(value as never)));
    },
    ended(error) {
      ended ??= error;
      for (const id of [...waiting.keys()]) settle(id, ({ reject }) => reject(error));
    },
  });

  return {
    ask<Name extends keyof Tasks>(task: Name, given: Tasks[Name]['given'], transfer: ArrayBuffer[] = []) {
      return new Promise<Tasks[Name]['result']>((resolve, reject) => {
        if (ended) {
          reject(ended);
          return;
        }
        const id = asked++;
        waiting.set(id, { resolve, reject });
        thread.hold(true);
        thread.post({ id, task, given } as Request, transfer);
      });
    },
    end: thread.end,
  };
}

const asError = ({ message, isInput }: Failure): Error => (isInput ? new InputError(message) : new Error(message));
