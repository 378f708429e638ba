import { randomUUID } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync, renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { InputError } from '../../errors.js';
import { reasonOf } from '../bytes.js';
import { pause } from './retry.js';

/** What the holder of a lock knows of it. */
export interface HeldLock {
  /** Whether somebody else held it first, so that the work may be done already. */
  readonly waited: boolean;
  /** Aborted, with an InputError as its reason, when another process took the lock away. */
  readonly lost: AbortSignal;
}

/** How to wait for a lock, and how to keep it. */
interface LockOptions {
  /**
   * Called at every look while somebody else holds the lock; what it throws ends the waiting.
   * @param alive whether the holder is: a process that runs on this machine, or one whose sign of life was seen
   */
  readonly onWait?: ((alive: boolean) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds between looks; 200 unless given. */
  readonly pollMs?: number | undefined;
  /** Milliseconds between the holder's signs of life; 2,000 unless given. */
  readonly beatMs?: number | undefined;
  /** Milliseconds without a sign of life after which a holder we cannot see is taken for dead; 30,000 unless given. */
  readonly staleMs?: number | undefined;
}

/**
 * Runs `work` while holding an exclusive lock file, between processes and within one. A dead holder's lock is taken
 * over: at once when its process was on this machine and is gone, else when its file has shown no sign of life for
 * `staleMs` by our own clock (so that machines sharing a disk need not agree on the time).
 * @throws InputError when the lock file cannot be made.
 */
export async function withLock<T>(
  path: string,
  work: (lock: HeldLock) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const token = JSON.stringify({ machine: machine(), pid: process.pid, id: randomUUID() });
  const waited = await acquire(path, token, options);
  const lost = new AbortController();
  const beat = setInterval(() => {
    if (read(path)?.token !== token) {
      lost.abort(new InputError(`${path}: another process took this lock away; run the command again`));
    } else quietly(() => utimesSync(path, new Date(), new Date()));
  }, options.beatMs ?? 2000);
  beat.unref();
  try {
    return await work({ waited, lost: lost.signal });
  } finally {
    clearInterval(beat);
    if (read(path)?.token === token) quietly(() => unlinkSync(path));
  }
}

// A lock that vanishes under our hands was taken away, which the next look finds out.
function quietly(step: () => void): void {
  try {
    step();
  } catch {}
}

// Process numbers mean something only within one machine and one process namespace (containers).
function machine(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

async function acquire(path: string, token: string, options: LockOptions): Promise<boolean> {
  const { onWait, signal, pollMs = 200, staleMs = 30_000 } = options;
  let seen = '';
  let since = 0;
  for (let waited = false; ; ) {
    signal?.throwIfAborted();
    if (create(path, token)) return waited;
    const holder = read(path);
    if (!holder) continue;
    const sign = `${holder.token} ${holder.beat}`;
    const moved = seen !== '' && sign !== seen;
    if (sign !== seen) {
      seen = sign;
      since = performance.now();
    }
    const runsHere = isRunningHere(holder.token);
    // A live process may only be busy (a long synchronous conversion), or its number may have been reused.
    const patience = runsHere === undefined ? staleMs : runsHere ? 20 * staleMs : 0;
    if (performance.now() - since >= patience) {
      takeAway(path, holder.token);
    } else {
      waited = true;
      onWait?.(moved || runsHere === true);
      await pause(pollMs, signal);
    }
  }
}

function create(path: string, token: string): boolean {
  try {
    writeFileSync(path, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new InputError(`${path}: cannot be written: ${reasonOf(error)}`);
  }
}

// Opened anew each time, so that a network file system does not answer from its cache. Another user's unreadable lock
// is known by its time alone, and so is a link that leads nowhere.
function read(path: string): { token: string; beat: number } | undefined {
  let token = '';
  quietly(() => {
    token = readFileSync(path, 'utf8');
  });
  const beat = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return beat === undefined ? undefined : { token, beat };
}

/** Whether a lock's holder is a process that runs; undefined where this machine cannot tell. */
function isRunningHere(token: string): boolean | undefined {
  try {
    const holder = JSON.parse(token) as { machine: string; pid: number };
    return holder.machine === machine() ? isAlive(holder.pid) : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

// Renaming decides between several who saw the same dead holder; one who finds a live lock in hand gives it back.
function takeAway(path: string, deadToken: string): void {
  const aside = `${path}.${randomUUID()}`;
  quietly(() => {
    renameSync(path, aside);
    if (read(aside)?.token === deadToken) unlinkSync(aside);
    else renameSync(aside, path);
  });
}
