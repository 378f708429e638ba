/**
 * Runs attentions that a user wrote, apart from everything else: in a worker that can reach nothing, inside a frame of no
 * origin, on values alone, for a limited time. What comes out are values again.
 */
import type { Values } from '../../../tensor/compile.js';
import { type Connection, connect, sandboxControl } from './connection.js';
import { originalPosition } from './sourceMap.js';
import type { AttentionResult, AttentionValues, CodeFailure, Outcome, RunnableCode } from './userCode.js';

export type { AttentionResult, AttentionValues, CodeFailure, Outcome, RunnableCode } from './userCode.js';

export interface Sandbox {
  /**
   * Runs an attention. One that takes longer than the limit is ended with its worker, and the next call has a new one.
   * Calls wait for each other. Never rejects for what the code does.
   */
  run(code: RunnableCode, values: AttentionValues): Promise<Outcome>;
  /** Ends the worker. Calls under way fail. */
  dispose(): void;
}

export interface SandboxOptions {
  /** How long a call may take, start of the worker not included; default 5 seconds. */
  readonly seconds?: number;
}

const closed = { failure: { message: 'the sandbox has been closed' } } as const;

/**
 * Opens a sandbox; its worker starts at once, so that the first call finds it ready. For a page, or for a worker of one
 * that the page has lent a sandbox (`lendSandbox`); such a worker can have one at a time.
 */
export function openSandbox({ seconds = 5 }: SandboxOptions = {}): Sandbox {
  const control = sandboxControl();
  let connection: Connection | undefined = connect(control);
  let last: Promise<unknown> = Promise.resolve();

  async function run({ js, mappings }: RunnableCode, values: AttentionValues): Promise<Outcome> {
    if (!connection) return closed;
    const { ready, ask, end } = connection;
    try {
      await ready;
      const reply = await ask({ js, values }, seconds);
      if ('result' in reply) return { result: checked(reply.result, values) };
      return { failure: inSource((reply as { failure: CodeFailure }).failure, mappings) };
    } catch (error) {
      if (!connection) return closed;
      const { message } = error as Error;
      end(message);
      connection = connect(control);
      return { failure: { message } };
    }
  }

  return {
    run(code, values) {
      const outcome = last.then(() => run(code, values));
      last = outcome;
      return outcome;
    },
    dispose() {
      connection?.end(closed.failure.message);
      connection = undefined;
    },
  };
}

/** What the worker gives, which the code may have tampered with. @throws Error when it does not fit what was asked. */
function checked({ z, pattern, seconds }: AttentionResult, { q }: AttentionValues): AttentionResult {
  const [b = 0, h = 0, n = 0] = q.shape;
  const fits = ({ data, shape }: Values, expected: readonly number[]) =>
    data instanceof Float32Array &&
    data.length === expected.reduce((product, size) => product * size, 1) &&
    String(shape) === String(expected);
  if (fits(z, q.shape) && (!pattern || fits(pattern, [b, h, n, n]))) {
    return { z, ...(pattern && { pattern }), seconds };
  }
  throw new Error('the code broke its worker (what it gives has another shape)');
}

/** A failure with its place in the user's own text. */
function inSource({ message, line, column }: CodeFailure, mappings: string): CodeFailure {
  const position = line !== undefined && column !== undefined && originalPosition(mappings, { line, column });
  return { message, ...position };
}
