/** Sessions by the sizes they serve, the last used ones kept. */
import { InputError } from '../../errors.js';
import type { Sizes } from '../trace/signature.js';

export interface SessionCache<T> {
  /** Works with the session for these sizes, started when there is none; calls at one time share one start. */
  use<R>(sizes: Sizes, work: (started: T) => Promise<R>): Promise<R>;
  /** Starts the session for these sizes ahead of its first use. */
  warm(sizes: Sizes): Promise<void>;
  /** Releases all sessions once the calls under way have ended. */
  dispose(): Promise<void>;
}

interface Entry<T> {
  readonly started: Promise<T>;
  /** Calls under way. */
  readonly calls: Set<Promise<unknown>>;
}

/**
 * @param keep how many are kept; the one that was not used for the longest is released first.
 */
export function sessionCache<T extends { readonly session: { release(): Promise<void> } }>(
  keep: number,
  start: (sizes: Sizes) => Promise<T>,
): SessionCache<T> {
  // A map keeps the order in which keys were set: the first is the least recently used.
  const entries = new Map<string, Entry<T>>();
  let disposed = false;

  const release = async ({ started, calls }: Entry<T>): Promise<void> => {
    await Promise.allSettled(calls);
    const [outcome] = await Promise.allSettled([started]);
    if (outcome.status === 'fulfilled') await outcome.value.session.release();
  };

  const use = async <R>(sizes: Sizes, work: (started: T) => Promise<R>): Promise<R> => {
    if (disposed) throw new InputError('compiled function: called after dispose');
    const key = JSON.stringify(Object.entries(sizes).sort());
    const entry = entries.get(key) ?? { started: start(sizes), calls: new Set() };
    entries.delete(key);
    entries.set(key, entry);
    // The next call tries again when the start fails: a file may be back.
    entry.started.catch(() => entries.get(key) === entry && entries.delete(key));
    const call = entry.started.then(work);
    entry.calls.add(call);
    const [oldest] = entries;
    if (entries.size > keep && oldest) {
      entries.delete(oldest[0]);
      // One that cannot be released concerns no caller.
      void release(oldest[1]).catch(() => {});
    }
    try {
      return await call;
    } finally {
      entry.calls.delete(call);
    }
  };

  return {
    use,
    warm: sizes => use(sizes, async () => {}),
    async dispose() {
      disposed = true;
      const all = [...entries.values()];
      entries.clear();
      await Promise.all(all.map(release));
    },
  };
}
