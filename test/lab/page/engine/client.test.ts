/** Requests to the worker and what comes back, over a channel in one thread. */
import { expect } from 'chai';
import { InputError } from '../../../../src/errors.js';
import { connect, type Port } from '../../../../src/lab/page/engine/client.js';
import { CodeError, type Reply, type Request } from '../../../../src/lab/page/engine/protocol.js';
import { type Doers, serve } from '../../../../src/lab/page/engine/serve.js';

const later = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** A port whose other side does tasks with `doers`. */
function channel(doers: Partial<Doers>): { port: Port; transferred: ArrayBuffer[] } {
  const transferred: ArrayBuffer[] = [];
  const port: Port = { postMessage: request => void answer(structuredClone(request)), onmessage: null, onerror: null };
  const answer = serve(doers as Doers, (reply: Reply, transfer) => {
    transferred.push(...transfer);
    const data = structuredClone(reply, { transfer: [...transfer] });
    queueMicrotask(() => port.onmessage?.({ data }));
  });
  return { port, transferred };
}

const failure = async (attempt: Promise<unknown>): Promise<Error> =>
  attempt.then(
    () => new Error('it did not fail'),
    error => error,
  );

describe('the engine behind messages', () => {
  const heat = { width: 1, height: 2, values: Float32Array.of(3, 4) };

  it('gives results to those who asked, in order, and their memory away', async () => {
    const order: string[] = [];
    const { port, transferred } = channel({
      async name(text) {
        await later(text === 'slow' ? 20 : 0);
        order.push(text);
        return [{ name: text, synonyms: [], colour: [1, 2, 3] }];
      },
      heat: async () => heat,
    });
    const ask = connect(port);
    const [slow, quick, map] = await Promise.all([
      ask('name', 'slow'),
      ask('name', 'quick'),
      ask('heat', { id: 'a', label: 0 }),
    ]);
    expect([slow[0]!.name, quick[0]!.name]).to.deep.equal(['slow', 'quick']);
    expect(order).to.deep.equal(['slow', 'quick']);
    expect(map).to.deep.equal({ width: 1, height: 2, values: Float32Array.of(3, 4) });
    expect(transferred).to.deep.equal([heat.values.buffer]);
  });

  it('fails as the task failed, and goes on', async () => {
    const { port } = channel({
      async segment({ id }) {
        if (id === 'mine') throw new CodeError({ message: 'no such name', line: 3, column: 5 });
        throw id === 'user' ? new InputError('no such class') : new Error('ours');
      },
      heat: async () => ({ width: 1, height: 1, values: Float32Array.of(1) }),
    });
    const ask = connect(port);
    const segment = (id: string) => failure(ask('segment', { id, panel: { method: 'clip' } }));
    const [code, user, ours] = await Promise.all(['mine', 'user', 'ours'].map(segment));
    expect(code).to.be.instanceOf(CodeError);
    expect((code as CodeError).failure).to.deep.equal({ message: 'no such name', line: 3, column: 5 });
    expect(user).to.be.instanceOf(InputError).with.property('message', 'no such class');
    expect(ours).not.to.be.instanceOf(InputError);
    expect((await ask('heat', { id: 'a', label: 0 })).width).to.equal(1);
  });

  it('tells of progress those who asked', async () => {
    const { port } = channel({
      async name(_, onProgress) {
        onProgress({ what: 'class names', done: 1, total: 2 });
        return [];
      },
    });
    const told: number[] = [];
    await connect(port)('name', 'a', ({ done, total }) => told.push(done / total));
    expect(told).to.deep.equal([0.5]);
  });

  it('fails for good when the worker breaks down, saying so', async () => {
    const port: Port = { postMessage: (_: Request) => {}, onmessage: null, onerror: null };
    const ask = connect(port);
    const waiting = failure(ask('name', 'a'));
    port.onerror?.({ message: 'out of memory', preventDefault() {} });
    const expected = 'the engine broke down: out of memory; load the page again';
    expect((await waiting).message).to.equal(expected);
    expect((await failure(ask('name', 'b'))).message).to.equal(expected);
  });
});
