import { stridedSlice } from '@tensorflow/tfjs-core';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { createClip } from '../../src/model/clip.js';
import type { ImageWeights } from '../../src/model/imageTower.js';
import { compile } from '../../src/tensor/compile.js';
import { compileStep, type StepState, stateTensors } from '../../src/tensor/compileStep.js';
import { startEngine } from '../../src/tensor/engine.js';
import { enableGradients } from '../../src/tensor/gradients.js';
import { lossAndGradients } from '../../src/tensor/lossAndGradients.js';
import {
  add,
  cast,
  dispose,
  matMul,
  mean,
  mul,
  type Pixels,
  scalar,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tidy,
  zeros,
} from '../../src/tensor/tfjs.js';
import { makeModel } from '../../src/tensor/trace/model.js';
import { leavesOf, type Structure } from '../../src/tensor/trace/structure.js';
import { withoutLeak } from '../engine.js';
import { expectClose, findGolden, readGolden } from '../goldens.js';
import { pixelsOf, tinyClip } from '../model/tiny.js';
import { type AdamState, adamW, narrowConfig, narrowWeights, noise, sgd, together } from './training.js';

const still = <W extends Structure>(weights: W): W => together([weights], w => [zeros(w!.shape)])[0]!;

/**
 * Every tensor within 1e-5 of its largest value, but for the biases of keys: softmax does not see what is added to all
 * scores of a query, so their gradient is 0, and only what rounding leaves of it differs.
 */
function expectSame(actual: object, expected: object): number {
  const leaves = leavesOf(expected);
  for (const { path, tensor } of leaves) {
    const name = path.join('.');
    const { data, shape } = at(actual, path) as { data: Float32Array; shape: number[] };
    expect(shape, name).to.deep.equal(tensor.shape);
    if (!name.endsWith('k.bias')) {
      expectClose(data, tensor.dataSync(), { maxAbs: 1e-5 * largest(tensor) }, { name, shape });
    } else if (name.startsWith('gradients')) {
      const weight = at(expected, [...path.slice(0, -1), 'weight']) as Tensor;
      expectClose(data, new Float32Array(data.length), { maxAbs: 1e-5 * largest(weight) }, { name });
    }
  }
  return leaves.length;
}

const largest = (tensor: Tensor): number =>
  tensor.dataSync<'float32'>().reduce((most, value) => Math.max(most, Math.abs(value)), 0);

const at = (structure: object, path: readonly string[]): unknown =>
  path.reduce((inner, key) => (inner as Record<string, object>)[key]!, structure);

interface Line {
  weights: { weight: Tensor2D; bias: Tensor };
  momentum: { weight: Tensor2D; bias: Tensor };
}

const line = (): Line => {
  const weights = { weight: noise([3, 2], 1) as Tensor2D, bias: noise([2], 2) };
  return { weights, momentum: still(weights) };
};

function lineStep({ weights, momentum }: Line, x: Tensor, y: Tensor) {
  const { loss, gradients } = lossAndGradients(
    ({ weight, bias }) => mean(square(sub(add(matMul(x, weight), bias), y))),
    weights,
  );
  const [next, speed] = sgd(weights, momentum, gradients, 0.1);
  return { state: { weights: next, momentum: speed }, loss };
}

const lineSignature = [{ shape: ['batch', 3] }, { shape: ['batch', 2] }] as const;

describe('compileStep', () => {
  before(() => startEngine('cpu'));
  before(() => enableGradients());

  it('descends as the eager function does, on batches of any size', () =>
    withoutLeak(async () => {
      const start = line();
      const step = await compileStep(lineStep, start, lineSignature, { threads: 1 });
      let eager = start;
      let state: StepState<Line> = start;
      const losses: number[] = [];
      for (const [i, batch] of [4, 7, 1, 4, 4, 4].entries()) {
        const [x, y] = [noise([batch, 3], i), noise([batch, 2], i + 50)];
        const expected = tidy(() => lineStep(eager, x, y));
        const actual = await step(state, x, y);
        expectSame(actual, expected);
        losses.push(actual.loss.data[0]!);
        dispose([eager, expected.loss, x, y] as never);
        ({ state: eager } = expected);
        ({ state } = actual);
      }
      expect(new Set(losses).size).to.equal(losses.length);
      dispose(eager as never);
      const again = stateTensors(start, state as never);
      expectSame(state, again);
      dispose(again as never);
      await step.dispose();
    }));

  it('trains all 12 blocks of a vision transformer with AdamW', () =>
    withoutLeak(async () => {
      const weights = tidy(() => narrowWeights(narrowConfig, 8));
      const state: AdamState<ImageWeights> = {
        weights,
        first: still(weights),
        second: still(weights),
        decays: [scalar(1), scalar(1)],
      };
      const tokensOf = (image: ImageWeights, x: Tensor) =>
        createClip({ embedding: 8, image: narrowConfig }, { image, logitScale: 1 }).image(x as Pixels).tokens;
      const train = (before: AdamState<ImageWeights>, x: Tensor, y: Tensor) => {
        const { loss, gradients } = lossAndGradients(w => mean(square(sub(tokensOf(w, x), y))), before.weights);
        return { state: adamW(before, gradients, 1e-3), loss, gradients };
      };
      const signature = [{ shape: ['batch', 3, 12, 12] }, { shape: ['batch', 10, 8] }] as const;
      const step = await compileStep(train, state, signature, { threads: 1 });
      let eager = state;
      let values: StepState<AdamState<ImageWeights>> = state;
      const losses: number[] = [];
      for (let i = 0; i < 3; i++) {
        const [x, y] = [noise([2, 3, 12, 12], i), noise([2, 10, 8], i + 9)];
        const expected = tidy(() => train(eager, x, y));
        const actual = await step(values, x, y);
        // 3 + 2 + 2 + 1 weights and 16 of each block; as many of each moment; gradients; two decays and the loss.
        expect(expectSame(actual, expected)).to.equal(4 * (8 + 12 * 16) + 3);
        losses.push(actual.loss.data[0]!);
        dispose([eager, expected.loss, expected.gradients, x, y] as never);
        ({ state: eager } = expected);
        ({ state: values } = actual);
      }
      expect(losses[2]).to.not.equal(losses[0]);
      dispose(eager as never);
      await step.dispose();
    }));

  it('has gradients through the image tower of the tiny CLIP, at any batch size', () =>
    withoutLeak(async () => {
      const clip = tinyClip();
      const pixels = pixelsOf(readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!).pixels!);
      const of = (x: Tensor) => {
        const loss = (image: ImageWeights) =>
          sum(square(createClip(clip.config, { ...clip.weights, image }).image(x as Pixels).tokens));
        return lossAndGradients(loss, clip.weights.image!);
      };
      const fast = await compile(of, [{ shape: ['batch', 3, 64, 64] }], { threads: 1 });
      const data = (await pixels.data()) as Float32Array;
      const actual = await fast({ data, shape: pixels.shape });
      tidy(() => expectSame(actual, of(pixels)));
      await fast.dispose();
      dispose(pixels);
      clip.dispose();
    }));

  it('keeps no ones and zeros in the graph', () =>
    withoutLeak(async () => {
      const weight = zeros([300]);
      const slopes = (x: Tensor) => {
        const loss = (w: Tensor) => mean(mul(add(w, zeros(x.shape)), x));
        return lossAndGradients(loss, weight).gradients;
      };
      for (const rows of [256, 'batch'] as const) {
        const { bytes } = await makeModel(slopes as never, [{ shape: [rows, 300] }], {}, [weight]);
        expect(bytes.length, `${rows} rows`).to.be.below(3000);
      }
      weight.dispose();
    }));

  describe('refuses', () => {
    const refusal = async (f: () => unknown): Promise<string> => {
      const error = await (async () => f())().then(
        () => undefined,
        caught => caught,
      );
      expect(error).to.be.instanceOf(InputError);
      return (error as Error).message;
    };
    let two: Tensor;
    before(() => {
      two = tensor1d([1, 2]);
    });
    after(() => two.dispose());
    type One = { w: Tensor };
    const bad = (fn: (state: One, x: Tensor) => unknown) =>
      refusal(() => withoutLeak(() => compileStep(fn as never, { w: two }, [{ shape: [2] }] as never)));

    it('states of another form', async () => {
      expect(await bad(({ w }) => ({ w }))).to.match(/returns \{ state, … \}/);
      expect(await bad(({ w }) => ({ state: { w: sum(w) } }))).to.match(
        /expected 'state.w' back as float32 \[2\], got float32 \[\]/,
      );
      expect(await bad(({ w }) => ({ state: { w: cast(w, 'int32') } }))).to.match(/got int32 \[2\]/);
      expect(await bad(({ w }) => ({ state: { v: w } }))).to.match(/returns no 'state.w'/);
      expect(await bad(({ w }) => ({ state: { w, v: w } }))).to.match(/returns 'state.v', which it was not given/);
    });

    it('calls with another state', async () => {
      const step = await compileStep(({ w }: One, x) => ({ state: { w: add(w, x) } }), { w: two }, [{ shape: [2] }]);
      const x = { data: Float32Array.of(1, 1), shape: [2] };
      expect(await refusal(() => step({} as never, x))).to.match(/tensor or values at 'state.w'/);
      const short = { data: Float32Array.of(1), shape: [1] };
      expect(await refusal(() => step({ w: short }, x))).to.match(/'state.w' as float32 \[2\], got float32 \[1\]/);
      expect(await refusal(() => step({ w: x }, short))).to.match(/input 0: expected float32 \[2\]/);
      expect(await refusal(() => step({ w: x }))).to.match(/expected 1 inputs, got 0/);
      const gone = tensor1d([1, 2]);
      gone.dispose();
      expect(await refusal(() => step({ w: gone }, x))).to.match(/has been disposed/);
      expect([...(await step({ w: x }, x)).state.w.data]).to.deep.equal([2, 2]);
      await step.dispose();
      expect(await refusal(() => step({ w: x }, x))).to.match(/after dispose/);
    });

    it('losses that are none', async () => {
      const of = (f: (w: Tensor) => Tensor) => refusal(() => withoutLeak(() => tidy(() => lossAndGradients(f, two))));
      expect(await of(square)).to.match(/expected one float32 number, got float32 \[2\]/);
      expect(await of(() => sum(tensor1d([3])))).to.match(/depends on none of the weights/);
      const whole = cast(two, 'int32');
      expect(await refusal(() => lossAndGradients(({ w }) => sum(w), { w: whole }))).to.match(/got int32 at 'w'/);
      whole.dispose();
      expect(await of(() => 3 as never)).to.match(/expected one float32 number, got a Number/);
      expect(await of((async () => sum(two)) as never)).to.match(/got a Promise/);
      const gone = tensor1d([1]);
      gone.dispose();
      expect(await refusal(() => lossAndGradients(({ w }) => sum(w), { w: gone }))).to.match(
        /has been disposed at 'w'/,
      );
    });

    it('gradients that nobody knows', () =>
      withoutLeak(async () => {
        const loss = (w: Tensor) => sum(stridedSlice(w, [0], [2], [1]));
        const message = await refusal(() => tidy(() => lossAndGradients(loss, two)));
        expect(message).to.match(/^no gradient of 'StridedSlice' is known/);
      }));

    it('a loss that fails, leaving nothing behind', () =>
      withoutLeak(() => {
        const failing = (w: Tensor): Tensor => {
          square(w);
          throw new RangeError('mine');
        };
        expect(() => tidy(() => lossAndGradients(failing, two))).to.throw(RangeError, 'mine');
      }));

    it('what is no step, and inputs that are none', async () => {
      expect(await refusal(() => compileStep(undefined as never, { w: two }, []))).to.match(
        /expected a function of tensors/,
      );
      const step = await compileStep(({ w }: One, x) => ({ state: { w: add(w, x) } }), { w: two }, [{ shape: [2] }]);
      for (const none of [undefined, null, 3]) {
        expect(await refusal(() => step({ w: two }, none as never))).to.match(
          /input 0: expected a tensor, or its values/,
        );
      }
      await step.dispose();
    });

    it('gives zeros for weights that the loss does not depend on', () =>
      tidy(() => {
        const { gradients } = lossAndGradients(({ w }) => sum(w), { w: two, other: tensor1d([1, 2, 3]) });
        expect([...gradients.other.dataSync()]).to.deep.equal([0, 0, 0]);
        expect([...gradients.w.dataSync()]).to.deep.equal([1, 1]);
      }));
  });
});
