/** What the runtime is told, and what becomes of its errors. */
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { compile } from '../../../src/tensor/compile.js';
import type { Host } from '../../../src/tensor/run/host.js';
import { inlineHost } from '../../../src/tensor/run/inline.js';
import { workerHost } from '../../../src/tensor/run/worker.js';
import { gather, sigmoid, stack, type Tensor1D, tensor2d, tile } from '../../../src/tensor/tfjs.js';
import { builder, type ElementType, type Node, type Value } from '../../../src/tensor/trace/graph.js';
import { writeOnnx } from '../../../src/tensor/trace/onnx/write.js';
import { useEngine } from '../../engine.js';

const hosts: Record<'inline' | 'worker', Host> = { inline: inlineHost, worker: workerHost };

/** A model of one node, right or wrong. */
function modelOf(op: string, dtype: ElementType): Promise<Uint8Array> {
  const nodes: Node[] = [];
  const x: Value = { dtype, shape: [2], source: { kind: 'input', name: 'x' } };
  const y = builder(nodes, 'mine').op(op, [x], dtype, [2]);
  return writeOnnx({ inputs: [x], nodes, outputs: [{ name: 'y', value: y }] }, () => undefined);
}

for (const [host, start] of Object.entries(hosts) as ['inline' | 'worker', Host][]) {
  describe(`errors of the runtime, ${host}`, () => {
    before(useEngine);

    const failure = async (work: () => Promise<unknown>): Promise<Error> => {
      const error = (await work().catch(caught => caught)) as Error;
      expect(error).to.be.instanceOf(Error);
      expect(error.message).to.not.include('\n');
      return error;
    };

    it('name the operation that cannot do what a call asks', async () => {
      const table = tensor2d([1, 2, 3, 4], [2, 2]);
      const rows = await compile((i: Tensor1D) => gather(table, i), [{ shape: ['batch'], dtype: 'int32' }], { host });
      const error = await failure(() => rows({ data: Int32Array.of(0, 7), shape: [2] }));
      expect(error).to.be.instanceOf(InputError);
      expect(error.message).to.match(/^compiled function: 'GatherV2' \(Gather in the graph\) failed: .*idx=7/);
      // And the next call is served.
      expect([...(await rows({ data: Int32Array.of(1), shape: [1] })).data]).to.deep.equal([3, 4]);
      await rows.dispose();
      table.dispose();
    });

    it('name the operation that would take too much memory', async () => {
      const spread = (x: Tensor1D) => tile(stack([x, x], 1), [1, 2 ** 30]);
      const huge = await compile(spread, [{ shape: ['batch'] }], { host });
      const error = await failure(() => huge({ data: new Float32Array(10_000), shape: [10_000] }));
      expect(error).to.be.instanceOf(InputError);
      expect(error.message).to.match(/'Tile' .* failed: .*bytes/);
      await huge.dispose();
    });

    it('name the operation that is missing for a type', async () => {
      const error = await failure(async () => start({ model: await modelOf('Erf', 'int32') }));
      expect(error).to.be.instanceOf(InputError);
      expect(error.message).to.equal("compile: 'mine': ONNX Runtime has no Erf of type int32; cast first");
    });

    it('are no fault of the user when the graph is wrong', async () => {
      const error = await failure(async () => start({ model: await modelOf('Nonsense', 'float32') }));
      expect(error).to.not.be.instanceOf(InputError);
      expect(error.message).to.match(/ONNX Runtime refuses the graph: .*mine_0.*No Op registered for Nonsense/);
      const session = await start({ model: await modelOf('Sqrt', 'float32') });
      const wrong = await failure(() => session.run({ x: { data: new Float32Array(3), shape: [3] } }));
      expect(wrong.message).to.match(/^compiled function: ONNX Runtime: Got invalid dimensions for input: x/);
      await session.release();
    });
  });
}

describe('threads', () => {
  const tasks = '/proc/self/task';

  before(async function () {
    await useEngine();
    try {
      readdirSync(tasks);
    } catch {
      console.log(`      skipped: this system does not tell a process' threads in ${tasks}`);
      this.skip();
    }
  });

  it('are as many as asked for, the calling one included', async () => {
    const fn = (x: Tensor1D) => sigmoid(x);
    /** Once none begins or ends any more: those of the tests before take their time. */
    const count = async (): Promise<number> => {
      let last = -1;
      for (;;) {
        const now = readdirSync(tasks).length;
        if (now === last) return now;
        last = now;
        await delay(100);
      }
    };
    const made = async (threads: number): Promise<number> => {
      const before = await count();
      const fast = await compile(fn, [{ shape: [4] }], { threads });
      const now = await count();
      await fast.dispose();
      return now - before;
    };
    await made(1); // What the runtime and Node start once and for all.
    for (const threads of [1, 2, 3, 5]) expect(await made(threads)).to.equal(threads - 1);
  });
});
