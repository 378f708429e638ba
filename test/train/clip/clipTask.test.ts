import { expect } from 'chai';
import { createClip } from '../../../src/model/clip.js';
import type { ClipConfig } from '../../../src/model/config.js';
import { compileStep, type StepState } from '../../../src/tensor/compileStep.js';
import { startEngine } from '../../../src/tensor/engine.js';
import { enableGradients } from '../../../src/tensor/gradients.js';
import {
  dispose,
  exp,
  type Pixels,
  scalar,
  type Tensor,
  type Tensor2D,
  tensor,
  tidy,
} from '../../../src/tensor/tfjs.js';
import { leavesOf } from '../../../src/tensor/trace/structure.js';
import { type ClipState, clipTask } from '../../../src/train/clip/clipTask.js';
import { contrastiveLoss } from '../../../src/train/clip/contrastive.js';
import { withoutLeak } from '../../engine.js';
import { expectClose } from '../../goldens.js';

const common = { layers: 2, heads: 2, mlpWidth: 32, activation: 'quick_gelu', layerNormEpsilon: 1e-5 } as const;
const config: ClipConfig = {
  embedding: 12,
  image: { ...common, width: 16, patch: 4, imageSize: 12 },
  text: { ...common, width: 8, context: 6, vocabulary: 9, pooling: 'largest-id' },
};
const [batch, tokens] = [5, 6];
const settings = { beta1: 0.9, beta2: 0.98, epsilon: 1e-6, decay: 0.1 };
const options = { batch, tokens, seed: 3, positions: 'sine', clip: 1, adamW: settings } as const;

const pixels = Float32Array.from({ length: batch * 3 * 144 }, (_, i) => Math.sin(0.37 * i) + Math.cos(0.011 * i));
/** The end token, 8, stands at another place in each row. */
const ids = Int32Array.from({ length: batch * tokens }, (_, i) => (i % 7 === 3 ? 8 : (i * 5 + (i >> 2)) % 8));
/** Whose class token begins the last block anew. */
const dropped = Float32Array.of(0, 1, 0, 1, 1);
const values = [
  { data: pixels, shape: [batch, 3, 12, 12] },
  { data: ids, shape: [batch, tokens] },
  { data: dropped, shape: [batch] },
] as const;
const tensors = (fresh = dropped) =>
  [tensor(pixels, [batch, 3, 12, 12]), tensor(ids, [batch, tokens], 'int32'), tensor(fresh, [batch])] as const;

describe('clipTask', () => {
  // The one engine that has the gradient of a look-up.
  before(() => startEngine('cpu'));
  before(enableGradients);

  it('does the same steps eagerly and compiled, and learns its batch', () =>
    withoutLeak(async () => {
      const task = clipTask(config, options);
      const start = task.start();
      const compiled = await compileStep(
        (state: ClipState, rate, ...given) => task.step(state, rate, ...given),
        start,
        [{ shape: [] }, ...task.signature],
        { threads: 1 },
      );
      const given = tensors();
      const rate = scalar(1e-2);
      let eager = start;
      let state: StepState<ClipState> = start;
      const losses: number[] = [];
      for (let i = 0; i < 12; i++) {
        const done = await compiled(state, { data: Float32Array.of(1e-2), shape: [] }, ...values);
        ({ state } = done);
        losses.push(done.metrics.loss!.data[0]!);
        if (i > 2) continue;
        const expected = tidy(() => task.step(eager, rate, ...given));
        for (const [name, metric] of Object.entries(expected.metrics)) {
          expectClose(done.metrics[name]!.data, metric.dataSync(), { maxAbs: 1e-4, relative: 1e-4 }, { name });
        }
        dispose(expected.metrics);
        dispose(eager as never);
        eager = expected.state;
      }
      expect(losses[0]).to.be.greaterThan(1);
      expect(losses.at(-1)).to.be.lessThan(0.5 * losses[0]!);
      dispose([eager, rate, ...given] as never);
      await compiled.dispose();
    }));

  it('reports loss, accuracy, gradient and scale', () =>
    tidy(() => {
      const task = clipTask(config, options);
      const { metrics } = task.step(task.start(), scalar(1e-3), ...tensors());
      expect(Object.keys(metrics)).to.deep.equal(['loss', 'accuracy', 'gradient', 'scale']);
      for (const metric of Object.values(metrics)) expect(metric.shape).to.deep.equal([]);
      expect(metrics.scale!.dataSync()[0]).to.be.closeTo(1 / 0.07, 1e-4);
      expect(metrics.gradient!.dataSync()[0]).to.be.greaterThan(0);
    }));

  it('compares images whose class token, where told, enters the last block as it entered the first', () =>
    tidy(() => {
      const task = clipTask(config, options);
      const state = task.start();
      const { image, text, logitScale } = state.weights;
      const clip = createClip(config, { image, text, logitScale: 1 });
      const [x, y] = tensors();
      const see = ['ln_pre', 'blocks.1.resid_pre'];
      const { seen } = clip.image(x as Pixels, { see });
      const [first, last] = see.map(name => seen[`image.${name}`]!.arraySync() as number[][][]);
      const lossWith = (fresh: Float32Array) => {
        const mixed = last!.map((rows, i) => [fresh[i] === 1 ? first![i]![0]! : rows[0]!, ...rows.slice(1)]);
        const { embedding } = clip.image(x as Pixels, { patch: { 'blocks.1.resid_pre': () => tensor(mixed) } });
        return contrastiveLoss(embedding, clip.textIds(y as Tensor2D).embedding, exp(logitScale)).loss.dataSync()[0]!;
      };
      const losses = [new Float32Array(batch), dropped, new Float32Array(batch).fill(1)].map(fresh => {
        const loss = task.step(state, scalar(0), ...tensors(fresh)).metrics.loss!.dataSync()[0]!;
        expect(loss).to.be.closeTo(lossWith(fresh), 1e-5);
        return loss.toFixed(3);
      });
      expect(new Set(losses).size).to.equal(3);
    }));

  it('holds the scale between 1 and 100, however large a step is', () =>
    tidy(() => {
      const task = clipTask(config, options);
      const start = task.start();
      const seen = new Set<number>();
      for (const from of [0, Math.log(100)]) {
        for (const rate of [2, 5]) {
          const state = { ...start, weights: { ...start.weights, logitScale: scalar(from) } };
          const next = task.step(state, scalar(rate), ...tensors()).state.weights.logitScale.dataSync()[0]!;
          expect(next).to.be.within(0, Math.fround(Math.log(100)));
          seen.add(next);
        }
      }
      // Some step would have gone beyond an end.
      expect([0, Math.fround(Math.log(100))].some(end => seen.has(end))).to.equal(true);
    }));

  it('starts from weights that decay and means that are zero', () =>
    tidy(() => {
      const { weights, adamW } = clipTask(config, options).start();
      expect(leavesOf(adamW.first).length).to.equal(leavesOf(weights).length);
      for (const { tensor: mean } of leavesOf(adamW) as { tensor: Tensor }[]) {
        expectClose(mean.dataSync(), new Float32Array(mean.size), { maxAbs: 0 });
      }
    }));
});
