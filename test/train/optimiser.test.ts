import { expect } from 'chai';
import { compileStep, type StepState } from '../../src/tensor/compileStep.js';
import { dispose, scalar, type Tensor, tidy } from '../../src/tensor/tfjs.js';
import { type AdamWState, adamW, clipGradients, startAdamW } from '../../src/train/optimiser.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose } from '../goldens.js';
import { numbers, tensorOf } from './numbers.js';

const { settings, start, steps } = numbers.adamw;

interface Pair {
  readonly matrix: Tensor;
  readonly bias: Tensor;
}

const pairOf = ({ matrix, bias }: (typeof numbers)['adamw']['start']): Pair => ({
  matrix: tensorOf(matrix),
  bias: tensorOf(bias),
});

interface State {
  readonly weights: Pair;
  readonly adamW: AdamWState<Pair>;
}

const startState = (): State => {
  const weights = pairOf(start);
  return { weights, adamW: startAdamW(weights) };
};

const step = (given: State, rate: Tensor, matrix: Tensor, bias: Tensor) => {
  const { weights, state } = adamW(given.weights, { matrix, bias }, given.adamW, rate, settings);
  return { state: { weights, adamW: state } };
};

/** Both engines and PyTorch round each of some ten operations on their own. */
const rounding = { maxAbs: 1e-6, relative: 1e-5 };

describe('AdamW', () => {
  before(useEngine);

  it('takes the steps of PyTorch, eagerly', () =>
    withoutLeak(() => {
      tidy(() => {
        let state = startState();
        for (const [i, { rate, gradients, weights }] of steps.entries()) {
          const { matrix, bias } = pairOf(gradients);
          ({ state } = step(state, scalar(rate), matrix, bias));
          expectClose(state.weights.matrix.dataSync(), weights.matrix.data, rounding, { name: `matrix ${i}` });
          expectClose(state.weights.bias.dataSync(), weights.bias.data, rounding, { name: `bias ${i}` });
        }
      });
    }));

  it('takes the same steps compiled', () =>
    withoutLeak(async () => {
      const form = startState();
      const signature = [{ shape: [] }, { shape: [3, 4] }, { shape: [4] }] as const;
      const compiled = await compileStep(step, form, signature, { threads: 1 });
      let state: StepState<State> = form;
      for (const [i, { rate, gradients, weights }] of steps.entries()) {
        const given = { data: Float32Array.of(rate), shape: [] };
        const [matrix, bias] = [gradients.matrix, gradients.bias].map(({ data, shape }) => ({
          data: Float32Array.from(data),
          shape,
        }));
        const done = await compiled(state, given, matrix!, bias!);
        ({ state } = done);
        expectClose(done.state.weights.matrix.data, weights.matrix.data, rounding, { name: `matrix ${i}` });
        expectClose(done.state.weights.bias.data, weights.bias.data, rounding, { name: `bias ${i}` });
      }
      await compiled.dispose();
      dispose(form as never);
    }));

  it('lets matrices decay and nothing else', () => {
    tidy(() => {
      const given = startState();
      const still = pairOf({
        matrix: { ...start.matrix, data: start.matrix.data.map(() => 0) },
        bias: { ...start.bias, data: start.bias.data.map(() => 0) },
      });
      const { weights } = step(given, scalar(0.5), still.matrix, still.bias).state;
      const kept = start.matrix.data.map(value => value * (1 - 0.5 * settings.decay));
      expectClose(weights.matrix.dataSync(), kept, { maxAbs: 1e-6 });
      expectClose(weights.bias.dataSync(), start.bias.data, { maxAbs: 0 });
    });
  });

  it('slows a part of the weights down by its factor, its decay too', () => {
    tidy(() => {
      const { rate, gradients } = steps[0]!;
      const slowed = (factors: Record<string, number>, at: number) => {
        const { weights, adamW: before } = startState();
        return adamW(weights, pairOf(gradients), before, scalar(at), { ...settings, factors }).weights;
      };
      const [whole, tenth, mixed] = [slowed({}, rate), slowed({}, rate / 10), slowed({ matrix: 0.1 }, rate)];
      expectClose(mixed.matrix.dataSync(), tenth.matrix.dataSync(), { maxAbs: 1e-7 });
      expectClose(mixed.bias.dataSync(), whole.bias.dataSync(), { maxAbs: 0 });
      expect(mixed.matrix.dataSync()[0]).to.not.be.closeTo(whole.matrix.dataSync()[0]!, 1e-4);
    });
  });

  it('clips all gradients together as PyTorch does, and small ones not at all', () =>
    withoutLeak(() => {
      tidy(() => {
        for (const { given, norm, clipped } of numbers.clipping) {
          const done = clipGradients(given.map(tensorOf), 1);
          expectClose(done.norm.dataSync(), [norm], rounding);
          for (const [i, tensor] of done.gradients.entries()) {
            expectClose(tensor.dataSync(), clipped[i]!.data, rounding);
          }
        }
        const [small, large] = numbers.clipping;
        expect(small!.norm).to.be.lessThan(1);
        expect(large!.norm).to.be.greaterThan(1);
      });
    }));
});
