import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../../errors.js';
import { requestFailure } from './http.js';

/** How often and how fast a request is repeated. */
export interface RetryPolicy {
  /** Repeats after a failure; 5 unless given. */
  readonly retries?: number | undefined;
  /** Milliseconds before the first repeat, doubled for each further one; 500 unless given. */
  readonly backoffMs?: number | undefined;
  /** The longest wait, in milliseconds; a server that asks for more is not waited for. 60,000 unless given. */
  readonly maxWaitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or has failed `retries + 1` times without progress. Between tries it
 * waits as long as the server's `Retry-After` asks, else with a growing, jittered backoff.
 * @param advanced called after a failure: whether the attempt got far enough for the count to begin anew.
 * @throws InputError of the last failure; the signal's reason when aborted.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  policy: RetryPolicy = {},
  advanced: () => boolean = () => false,
): Promise<T> {
  const { retries = 5, backoffMs = 500, maxWaitMs = 60_000, signal } = policy;
  let failures = 0;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const failure = requestFailure(error);
      if (!failure?.transient) throw error;
      failures = advanced() ? 1 : failures + 1;
      const message = (error as InputError).message;
      if (failures > retries) {
        throw new InputError(
          retries > 0 ? `${message}; gave up after ${failures} tries; run it again to go on` : message,
          { cause: failure },
        );
      }
      const { retryAfterMs } = failure;
      if (retryAfterMs !== undefined && retryAfterMs > maxWaitMs) {
        const seconds = Math.ceil(retryAfterMs / 1000);
        throw new InputError(`${message}; the server asks to come back in ${seconds} s`, { cause: failure });
      }
      const backoff = Math.min(maxWaitMs, backoffMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
      await pause(retryAfterMs ?? backoff, signal);
    }
  }
}

/** Waits some milliseconds. @throws the signal's reason as soon as it is aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal && { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
