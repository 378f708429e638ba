/**
 * Worker processes on this machine. Processes and not threads: one that the system kills for its memory, or that crashes
 * in native code, takes no other with it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { InputError } from '../../errors.js';
import type { ShardEvaluator, ShardOptions } from '../evaluator.js';
import type { ImageRecord } from '../records.js';
import { type OpenPlan, shardRange } from '../run/openPlan.js';
import type { News, Order } from './messages.js';

/** Deaths at one image after which it is taken to be the cause. */
const mostDeaths = 2;

/** The end of a process that nobody asked to end. */
class Death extends Error {}

/**
 * Workers that start when they are first asked for a shard, and anew when they have died.
 * @param program what a worker runs
 */
export function openWorkers(
  open: OpenPlan,
  count: number,
  program = new URL('./process.js', import.meta.url),
): ShardEvaluator[] {
  // Workers share the cores: one thread each, unless the plan says otherwise.
  const plan = { threads: 1, ...open.plan };
  return Array.from({ length: count }, () => openWorker({ ...open, plan }, fileURLToPath(program)));
}

function openWorker(open: OpenPlan, program: string): ShardEvaluator {
  let child: ChildProcess | undefined;
  const end = () => {
    child?.kill('SIGKILL');
    child = undefined;
  };
  const start = async (options: ShardOptions) => {
    // Standard output is the table's alone.
    child = fork(program, { serialization: 'advanced', stdio: ['ignore', 2, 2, 'ipc'] });
    await ask(child, { kind: 'open', plan: open.plan, identity: open.identity }, 'open', options);
    return child;
  };
  return {
    async evaluate(shard, options = {}) {
      const [from, to] = shardRange(open, shard);
      const ids = open.dataset.ids.slice(from, to);
      const records = new Map(options.known?.map(record => [record.id, record]));
      const onImage = (record: ImageRecord) => {
        records.set(record.id, record);
        options.onImage?.(record);
      };
      for (const deaths = new Map<string, number>(); ; ) {
        let isReady = child !== undefined;
        try {
          const ready = child ?? (await start(options));
          isReady = true;
          const order: Order = { kind: 'shard', shard, known: [...records.values()] };
          return (await ask(ready, order, 'done', { ...options, onImage })).result;
        } catch (error) {
          end();
          if (!(error instanceof Death)) throw error;
          const suspect = isReady ? ids.find(id => !records.has(id)) : undefined;
          const count = (deaths.get(suspect ?? '') ?? 0) + 1;
          deaths.set(suspect ?? '', count);
          if (count < mostDeaths) continue;
          if (suspect === undefined) {
            throw new Error(`evaluate: a worker process ${error.message} before any image; too little memory for it?`);
          }
          const failure = `${suspect}: the worker process that evaluated it ${error.message}, ${count} times`;
          onImage({ id: suspect, height: 0, width: 0, methods: [], failure });
        }
      }
    },
    async dispose() {
      if (child?.connected) await farewell(child);
      end();
    },
  };
}

/** How long a process may take to write what it still holds. */
const patienceMs = 20_000;

/** Lets a process end by itself. */
function farewell(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, patienceMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.disconnect();
  });
}

/**
 * Sends an order and waits until it is done.
 * @throws Death when the process ends first; what failed there; the signal's reason
 */
function ask<Kind extends 'open' | 'done'>(
  child: ChildProcess,
  order: Order,
  answer: Kind,
  { signal, onImage }: ShardOptions,
): Promise<Extract<News, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void) => {
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
      signal?.removeEventListener('abort', onAbort);
      settled();
    };
    const onMessage = (news: News) => {
      if (news.kind === 'image') onImage?.(news.record);
      else if (news.kind === answer) settle(() => resolve(news as Extract<News, { kind: Kind }>));
      else if (news.kind === 'failed') settle(() => reject(failureOf(news)));
    };
    const onExit = () => settle(() => reject(new Death(endOf(child))));
    const onError = (error: Error) => settle(() => reject(error));
    const onAbort = () => settle(() => reject(signal!.reason));
    child.on('message', onMessage).on('exit', onExit).on('error', onError);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    else if (child.exitCode !== null || child.signalCode !== null) onExit();
    // What cannot be sent to a process that is ending is told by its end.
    else child.send(order, () => {});
  });
}

const failureOf = ({ message, isInput }: Extract<News, { kind: 'failed' }>): Error =>
  isInput ? new InputError(message) : new Error(message);

const endOf = ({ exitCode, signalCode }: ChildProcess): string =>
  signalCode === null ? `ended with status ${exitCode}` : `was ended by ${signalCode}`;
