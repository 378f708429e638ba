/** Runners take each other's place: what holds for a compiled function holds for one that an engine runs. */
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import type { Values } from '../../src/tensor/compile.js';
import { engineNames, runnerNames } from '../../src/tensor/names.js';
import { engineRunner, openRunner, parseRunner, type Runner } from '../../src/tensor/runner.js';
import { getBackend, matMul, mul, type Tensor, type Tensor2D, tensor2d } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { rejection } from '../files/rejection.js';
import { expectClose } from '../goldens.js';

const signature = [{ shape: ['batch', 2] }, { shape: [2, 'width'] }] as const;
const product = (x: Tensor2D, y: Tensor2D) => ({ product: matMul(x, y), parts: [mul(x, 2)] });
const x = { data: new Float32Array([1, 2, 3, 4]), shape: [2, 2] };
const y = { data: new Float32Array([1, 0, 1, 0, 1, 1]), shape: [2, 3] };

describe('runners', () => {
  before(useEngine);

  const runners: [string, () => Promise<Runner>][] = [
    ['the active engine', async () => engineRunner],
    ['ort', () => openRunner('ort', { threads: 1 })],
    ['ort in a worker', () => openRunner('ort', { host: 'worker' })],
  ];
  for (const [name, open] of runners) {
    describe(name, () => {
      it('takes values and gives values, for any sizes', () =>
        withoutLeak(async () => {
          const runner = await open();
          const run = await runner.prepare(product, signature);
          const made = await run(x, y);
          expect(made.product.shape).to.deep.equal([2, 3]);
          expectClose(made.product.data, [1, 2, 3, 3, 4, 7], { maxAbs: 0 });
          expectClose(made.parts[0]!.data, [2, 4, 6, 8], { maxAbs: 0 });
          const wide = await run(x, { data: new Float32Array(8).fill(1), shape: [2, 4] });
          expect(wide.product.shape).to.deep.equal([2, 4]);
          await runner.dispose();
        }));

      it('takes tensors and gives tensors', () =>
        withoutLeak(async () => {
          const runner = await open();
          const run = await runner.prepare(product, signature);
          const given = [tensor2d([[1, 2]]), tensor2d([[1], [1]])] as const;
          const made: { product: Tensor; parts: Tensor[] } = await run(...given);
          expect([...(await made.product.data())]).to.deep.equal([3]);
          for (const tensor of [...given, made.product, ...made.parts]) tensor.dispose();
          await run.dispose();
          await runner.dispose();
        }));

      it('refuses what does not fit, and calls after dispose', () =>
        withoutLeak(async () => {
          const runner = await open();
          const run = await runner.prepare(product, signature);
          const refusal = (...given: object[]) => rejection(run(...(given as Values[])));
          expect(await refusal(x)).to.match(/expected 2 inputs, got 1/);
          expect(await refusal(x, x, x)).to.match(/expected 2 inputs, got 3/);
          expect(await refusal(y, y)).to.match(/input 0: expected float32 \[batch, 2\], got \[2, 3\]/);
          expect(await refusal(x, { data: [1, 2], shape: [2, 1] })).to.match(/expected data as Float32Array/);
          expect(await refusal(x, { ...y, shape: [2, 4] })).to.match(/shape \[2,4\] holds 8 values, got 6/);
          await run.dispose();
          expect(await refusal(x, y)).to.match(/called after dispose/);
          await runner.dispose();
        }));
    });
  }

  it('give what a function returns of others as a copy, and leave theirs alone', async () => {
    const weight = tensor2d([[1, 2]]);
    for (const [, open] of runners) {
      const runner = await open();
      const run = await runner.prepare((x: Tensor) => ({ x, weight }), [{ shape: [1] }]);
      const made = await run({ data: Float32Array.of(3), shape: [1] });
      expect([...made.weight.data, ...made.x.data]).to.deep.equal([1, 2, 3]);
      await runner.dispose();
    }
    expect([...(await weight.data())]).to.deep.equal([1, 2]);
    const given = tensor2d([[4]]);
    const run = await engineRunner.prepare((x: Tensor) => ({ x }), [{ shape: [1, 1] }]);
    const { x: copy } = await run(given);
    copy.dispose();
    expect(given.isDisposed).to.equal(false);
    for (const tensor of [given, weight]) tensor.dispose();
  });

  it('compute on their own engine, and leave the active one active', async () => {
    const before = getBackend();
    const cpu = await openRunner('cpu');
    await useEngine();
    const engines: string[] = [];
    const run = await cpu.prepare(
      (x: Tensor) => {
        engines.push(getBackend());
        return mul(x, 2);
      },
      [{ shape: [1] }],
    );
    expect([...(await run({ data: Float32Array.of(3), shape: [1] })).data]).to.deep.equal([6]);
    expect(engines).to.deep.equal(['cpu']);
    expect(getBackend()).to.equal(before);
  });

  it('are found by name', async () => {
    expect(runnerNames).to.deep.equal(['ort', ...engineNames]);
    expect(() => parseRunner('otr')).to.throw(InputError, /unknown engine 'otr'.*ort/);
    const says = await rejection(openRunner('cpu', { quantize: 's8' }));
    expect(says).to.equal("engine 'cpu': it cannot quantise; use engine ort");
  });
});
