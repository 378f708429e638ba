import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import type { Values } from '../../src/tensor/compile.js';
import { compileStep, type StepState } from '../../src/tensor/compileStep.js';
import { startEngine } from '../../src/tensor/engine.js';
import { compileKeptStep } from '../../src/tensor/keptStep.js';
import { rememberPlace } from '../../src/tensor/stored.js';
import { add, greaterEqual, mul, sum, type Tensor, tensor1d, tensor2d } from '../../src/tensor/tfjs.js';
import { withoutLeak } from '../engine.js';
import { rejection } from '../files/rejection.js';
import { inTemporaryFolder } from '../files/temporary.js';

interface State {
  readonly weights: { readonly weight: Tensor; readonly list: readonly Tensor[] };
  readonly seen: Tensor;
}

const start = (): State => ({
  weights: { weight: tensor2d([1, 2, 3, 4], [2, 2]), list: [tensor1d([5]), tensor1d([6, 7], 'int32')] },
  seen: tensor1d([0, 0]),
});

/** A state that is handed on partly as it was, and values under names that the state has, too. */
function step({ weights, seen }: State, x: Tensor) {
  const weight = add(mul(weights.weight, 0.5), sum(x, 0));
  const state: State = { weights: { weight, list: weights.list }, seen: add(seen, sum(x, 0)) };
  return { state, loss: sum(weight), more: { seen: mul(x, 2), list: [greaterEqual(x, 0)] } };
}

const signature = [{ shape: ['batch', 2] }] as const;
const batches: Values[] = [1, 2, 3].map(i => ({ data: Float32Array.of(i, -i), shape: [1, 2] }));

describe('compileKeptStep', () => {
  before(() => startEngine('cpu'));

  it('does what compileStep does, with the state left behind', async () => {
    const first = start();
    const kept = await compileKeptStep(step, first, first, signature);
    const plain = await compileStep(step, first, signature);
    try {
      let state: StepState<State> = first;
      for (const batch of batches) {
        const { state: next, ...rest } = await plain(state, batch);
        state = next;
        const given = await kept(batch);
        expect(given).to.deep.equal(rest);
        expect(given).to.have.keys('loss', 'more');
        expect(await kept.state()).to.deep.equal(state);
      }
    } finally {
      await kept.dispose();
      await plain.dispose();
    }
  });

  it('begins with values as well as with tensors, and gives copies', async () => {
    const form = start();
    const one = await compileKeptStep(step, form, form, signature);
    const before = await one.state();
    expect(before.weights.list[1]).to.deep.include({ data: Int32Array.of(6, 7), shape: [2] });
    await one(batches[0]!);
    const middle = await one.state();
    const other = await compileKeptStep(step, form, middle, signature);
    try {
      const rest = [await one(batches[1]!), await other(batches[1]!)];
      expect(rest[1]).to.deep.equal(rest[0]);
      const state = await one.state();
      expect(await other.state()).to.deep.equal(state);
      for (const copy of [state, middle]) copy.weights.weight.data.fill(0);
      expect(await one(batches[2]!)).to.deep.equal(await other(batches[2]!));
      expect((await one.state()).weights.weight.data).to.not.deep.equal(state.weights.weight.data);
    } finally {
      await one.dispose();
      await other.dispose();
    }
  });

  it('needs the tensors of its start no longer than it is made', () =>
    withoutLeak(async () => {
      const first = start();
      const kept = await compileKeptStep(step, first, first, signature);
      for (const tensor of [first.weights.weight, ...first.weights.list, first.seen]) tensor.dispose();
      const { loss } = await kept(batches[0]!);
      expect(loss.data[0]).to.equal(5);
      await kept.dispose();
    }));

  it('does steps asked for at one time one after the other, and all of them before it is disposed', async () => {
    const form = start();
    const [one, other] = [
      await compileKeptStep(step, form, form, signature),
      await compileKeptStep(step, form, form, signature),
    ];
    const inTurn: unknown[] = [];
    for (const batch of batches) inTurn.push(await one(batch));
    const wrong = { data: new Float32Array(3), shape: [1, 3] };
    const asked = [other(batches[0]!), other(wrong), other(batches[1]!), other(batches[2]!), other.state()] as const;
    const settled = Promise.allSettled(asked);
    await other.dispose();
    const [first, refused, second, third, state] = await settled;
    expect(refused.status).to.equal('rejected');
    const values = [first, second, third].map(result => (result.status === 'fulfilled' ? result.value : result.reason));
    expect(values).to.deep.equal(inTurn);
    expect((state as PromiseFulfilledResult<unknown>).value).to.deep.equal(await one.state());
    await one.dispose();
  });

  it('refuses a file of weights that has been changed', () =>
    inTemporaryFolder(async folder => {
      const path = join(folder, 'weights');
      writeFileSync(path, new Uint8Array(Float32Array.of(1, 2).buffer));
      let changed = false;
      const check = () => {
        if (changed) throw new InputError('weights: the file has been changed');
      };
      const frozen = tensor1d([1, 2]);
      rememberPlace(frozen, { slice: { path, offset: 0, length: 8, check }, dtype: 'float32', transposed: false });
      const form: { seen: Tensor } = { seen: tensor1d([0, 0]) };
      const kept = await compileKeptStep(
        ({ seen }, x) => ({ state: { seen: add(seen, sum(mul(x, frozen), 0)) } }),
        form,
        form,
        signature,
      );
      await kept(batches[0]!);
      expect([...(await kept.state()).seen.data]).to.deep.equal([1, -2]);
      changed = true;
      expect(await rejection(kept(batches[0]!))).to.match(/the file has been changed/);
      await kept.dispose();
    }));

  it('refuses sizes by name, states and inputs of another form', async () => {
    const form = start();
    expect(await rejection(compileKeptStep(step, form, form, [{ shape: ['n', 2] }]))).to.match(
      /^compileKeptStep: expected sizes as numbers, or 'batch', got 'n'$/,
    );
    const { seen: _, ...less } = form;
    expect(await rejection(compileKeptStep(step, form, less as never, signature))).to.match(/at 'state\.seen'/);
    const kept = await compileKeptStep(step, form, form, signature);
    try {
      expect(await rejection(kept({ data: new Float32Array(3), shape: [1, 3] }))).to.match(
        /expected float32 \[batch, 2\]/,
      );
      expect(await rejection(kept())).to.match(/expected 1 inputs, got 0/);
      expect((await kept(batches[0]!)).loss.data[0], 'after a refusal').to.equal(5);
    } finally {
      await kept.dispose();
    }
    await kept.dispose();
    expect(await rejection(kept(batches[0]!))).to.match(/^compiled step: called after dispose$/);
    expect(await rejection(kept.state())).to.match(/^compiled step: called after dispose$/);
    expect(await rejection(compileKeptStep(step, form, form, signature, { threads: 0 }))).to.match(/threads: expected/);
    expect(await rejection(compileKeptStep(undefined as never, form, form, signature))).to.match(/expected a function/);
  });
});
