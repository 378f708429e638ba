/** Long work in one thread that leaves the event loop free: bars move, requests are answered, Ctrl-C is heard. */

/** Lets the event loop turn, in Node and in a page. */
export const turn = (): Promise<void> =>
  new Promise(resolve => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    // Browsers hold back timers that follow on each other, but not messages.
    const { port1, port2 } = new MessageChannel();
    const onmessage = () => {
      port1.close();
      resolve();
    };
    // Node's types leave this property out.
    Object.assign(port1, { onmessage });
    port2.postMessage(undefined);
  });

/**
 * Lets the event loop turn once so much work has been done since it last did. Is told of work as it is done, in
 * whatever it is counted; what it returns is waited for.
 */
export function turning(every: number): (work: number) => Promise<void> | undefined {
  let done = 0;
  return work => {
    done += work;
    if (done < every) return undefined;
    done = 0;
    return turn();
  };
}

/**
 * Does something with each item in order; the event loop turns after every so many, and where `work` returns a promise.
 */
export async function inTurns<T>(
  items: readonly T[],
  every: number,
  work: (item: T, index: number) => Promise<void> | undefined | void,
): Promise<void> {
  for (const [i, item] of items.entries()) {
    const waits = work(item, i);
    if (waits) await waits;
    if (i % every === every - 1) await turn();
  }
}

/** Work in steps of a few milliseconds at most; between any two of them the event loop may turn. */
export type Steps<R> = Generator<undefined, R, undefined>;

/** Does all steps without a pause. */
export function atOnce<R>(steps: Steps<R>): R {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** So many milliseconds of work later the event loop turns. */
const longestTurn = 20;

/** Does all steps; the event loop turns before the first, and whenever `every` milliseconds have gone by. */
export async function byTurns<R>(steps: Steps<R>, every = longestTurn): Promise<R> {
  let until = Number.NEGATIVE_INFINITY;
  for (;;) {
    if (performance.now() >= until) {
      await turn();
      until = performance.now() + every;
    }
    const { done, value } = steps.next();
    if (done) return value;
  }
}
