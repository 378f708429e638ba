/** A session in a thread of its own: what `worker.ts` asks for is done here. */
import { InputError } from '../../errors.js';
import type { Session } from './host.js';
import { inlineHost } from './inline.js';
import { asPlain, type Failure, type Reply, type Request } from './messages.js';

/** Gives what answers requests through `post`. */
export function serve(post: (reply: Reply, transfer: ArrayBuffer[]) => void): (request: Request) => Promise<void> {
  let session: Session | undefined;

  async function perform({ task, given }: Request): Promise<Reply['value']> {
    if (task === 'start') {
      session = await inlineHost(given);
      return undefined;
    }
    if (task === 'release') return void (await session!.release());
    if (task === 'kept') return session!.kept();
    const outputs = Object.entries(await session!.run(given));
    return Object.fromEntries(outputs.map(([name, values]) => [name, asPlain(values)]));
  }

  return async request => {
    const { id } = request;
    try {
      const value = await perform(request);
      post({ id, value }, buffersOf(value));
    } catch (error) {
      post({ id, failure: failureOf(error) }, []);
    }
  };
}

function failureOf(error: unknown): Failure {
  return { message: error instanceof Error ? error.message : String(error), isInput: error instanceof InputError };
}

const buffersOf = (value: Reply['value']) => Object.values(value ?? {}).map(({ data }) => data.buffer as ArrayBuffer);
