/** What a command makes of the signals that ask it to end. */
export interface Stop {
  readonly signal: AbortSignal;
  caught(): boolean;
  /** Ends the process as the signal would have, so that a shell knows why. */
  raise(): void;
  release(): void;
}

/** Ctrl-C and a polite kill become a signal to stop; a second one does what it always does. */
export function stopOnSignal(): Stop {
  const names = ['SIGINT', 'SIGTERM'] as const;
  const stop = new AbortController();
  let caught: NodeJS.Signals | undefined;
  const handle = (name: NodeJS.Signals) => {
    caught = name;
    release();
    stop.abort();
  };
  const release = () => {
    for (const name of names) process.off(name, handle);
  };
  for (const name of names) process.on(name, handle);
  return {
    signal: stop.signal,
    caught: () => caught !== undefined,
    raise: () => void process.kill(process.pid, caught),
    release,
  };
}
