/** The thread of a session: what `worker.ts` asks for is done here, one after the other. */
import { parentPort } from 'node:worker_threads';
import { InputError } from '../../errors.js';
import type { Session } from './host.js';
import { inlineHost } from './inline.js';
import { asPlain, type Failure, type Reply, type Request } from './messages.js';

let session: Session | undefined;

async function perform({ task, given }: Request): Promise<Reply['value']> {
  if (task === 'start') {
    session = await inlineHost(given);
    return undefined;
  }
  if (task === 'release') return void (await session!.release());
  const outputs = Object.entries(await session!.run(given));
  return Object.fromEntries(outputs.map(([name, values]) => [name, asPlain(values)]));
}

function failureOf(error: unknown): Failure {
  return { message: error instanceof Error ? error.message : String(error), isInput: error instanceof InputError };
}

const buffersOf = (value: Reply['value']) => Object.values(value ?? {}).map(({ data }) => data.buffer as ArrayBuffer);

const port = parentPort!;
port.on('message', async (request: Request) => {
  const { id } = request;
  try {
    const value = await perform(request);
    port.postMessage({ id, value } satisfies Reply, buffersOf(value));
  } catch (error) {
    port.postMessage({ id, failure: failureOf(error) } satisfies Reply);
  }
});
