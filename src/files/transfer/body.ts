import type { IncomingMessage } from 'node:http';

/** The bytes of an answer, as they come. */
export interface Body {
  /** Every chunk that arrives, once, and then the error if the connection broke. Leaving early destroys the body. */
  chunks(): AsyncGenerator<Buffer, void, void>;
  /** Drops what is still to come, and the connection with it. */
  destroy(): void;
}

// Bytes that may wait to be taken before the sender is slowed down.
const backlog = 1 << 20;

/**
 * Takes in an answer's body from now on. Iterating over Node's own stream would drop what waits to be taken when the
 * connection breaks; with a slow disk and short-lived connections a download would never get on.
 */
export function bodyOf(incoming: IncomingMessage): Body {
  const waiting: Buffer[] = [];
  let bytes = 0;
  let end: { error?: unknown } | undefined;
  let wake = () => {};
  const stop = (how: { error?: unknown }) => {
    end ??= how;
    wake();
  };
  incoming.on('data', (chunk: Buffer) => {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes > backlog) incoming.pause();
    wake();
  });
  incoming.on('end', () => stop({}));
  incoming.on('error', error => stop({ error }));
  incoming.on('close', () => stop({ error: Object.assign(new Error('closed'), { code: 'ECONNRESET' }) }));

  async function* chunks(): AsyncGenerator<Buffer, void, void> {
    try {
      for (;;) {
        const chunk = waiting.shift();
        if (chunk) {
          bytes -= chunk.length;
          yield chunk;
        } else if (!end) {
          incoming.resume();
          await new Promise<void>(resolve => {
            wake = resolve;
          });
        } else if ('error' in end) throw end.error;
        else return;
      }
    } finally {
      incoming.destroy();
    }
  }
  return { chunks, destroy: () => incoming.destroy() };
}
