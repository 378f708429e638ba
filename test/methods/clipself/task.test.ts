import { expect } from 'chai';
import { loaded } from '../../../src/checkpoint/assemble.js';
import type { OpenModel } from '../../../src/checkpoint/loadClip.js';
import { mixedTensors } from '../../../src/methods/clipself/save.js';
import {
  type ClipselfState,
  clipselfTask,
  regionLoss,
  type TeacherClip,
  trainedParts,
  withParts,
} from '../../../src/methods/clipself/task.js';
import { createClip } from '../../../src/model/clip.js';
import type { Mapped, Values } from '../../../src/tensor/compile.js';
import { enableGradients } from '../../../src/tensor/gradients.js';
import { compileKeptStep } from '../../../src/tensor/keptStep.js';
import { lossAndGradients } from '../../../src/tensor/lossAndGradients.js';
import { type Pixels, type Tensor, type Tensor2D, tidy } from '../../../src/tensor/tfjs.js';
import { leavesOf, restructure } from '../../../src/tensor/trace/structure.js';
import { toTensor } from '../../../src/tensor/values.js';
import { useEngine, withoutLeak } from '../../engine.js';
import { expectClose, findGolden, readGolden } from '../../goldens.js';
import { fourthRows, goldenBatch, settings, tinyModel, training } from './golden.js';

const after3 = readGolden(findGolden('clipself/training_weights_after3.safetensors')!);
const runs = training.lr_and_loss_per_step;
/** The published names of the two runs, and what is trained in each. */
const kinds = { blocks: { stem: false }, all: { stem: true } } as const;
const stepsOf = (kind: string) => Object.entries(runs).find(([name]) => name.startsWith(kind))![1];

/** The tensors of a structure as values. */
const valuesIn = (structure: object): never =>
  restructure(
    structure,
    leavesOf(structure).map(({ tensor }): Values => ({ data: tensor.dataSync() as Float32Array, shape: tensor.shape })),
  ) as never;

describe('clipselfTask against the published code', () => {
  const [pixels, crops, weights] = goldenBatch();
  const tensors = () => [pixels, crops, weights].map(toTensor) as [Pixels, Pixels, Tensor2D];
  let model: OpenModel;
  let teacher: TeacherClip & { dispose(): void };
  before(useEngine);
  before(enableGradients);
  before(() => {
    model = tinyModel();
    teacher = loaded(model, { weights: 'file' }, () => {
      throw new Error('no texts');
    });
  });
  after(() => teacher.dispose());

  const options = { batch: 2, size: 128, adamW: settings };

  for (const [kind, parts] of Object.entries(kinds)) {
    it(`losses of four steps and the weights after three, compiled: ${kind}`, async function () {
      this.timeout(120_000);
      await withoutLeak(async () => {
        const task = clipselfTask(teacher, { ...options, ...parts });
        const start = task.start();
        const step = await compileKeptStep(
          (state: ClipselfState, rate: Tensor, ...batch: Tensor[]) => task.step(state, rate, ...batch),
          start,
          start,
          [{ shape: [] }, ...task.signature],
          { threads: 1 },
        );
        for (const { tensor } of leavesOf(start)) tensor.dispose();
        const losses: number[] = [];
        let state: Mapped<ClipselfState, Values> | undefined;
        for (const [rate] of stepsOf(kind)) {
          const { metrics } = await step({ data: Float32Array.of(rate), shape: [] }, pixels, crops, weights);
          losses.push((metrics as Record<string, Values>).loss!.data[0]!);
          if (losses.length === 3) state = await step.state();
        }
        await step.dispose();
        expectClose(
          losses,
          stepsOf(kind).map(([, loss]) => loss),
          { maxAbs: 1e-5 },
          { name: 'losses' },
        );
        const trained = mixedTensors(model, state!.weights, 1);
        const averaged = mixedTensors(model, state!.weights, 0.7);
        let compared = 0;
        for (const [name, { data }] of Object.entries(after3)) {
          const [run, ...rest] = name.split('/') as [string, ...string[]];
          if (run === 'average_alpha0.7' && kind === 'blocks') {
            const values = averaged.get(rest[0]!)?.() ?? model.file.readFloat32(rest[0]!);
            expectClose(values, data as Float32Array, { maxAbs: 1e-5 }, { name });
          }
          if (run !== kind) continue;
          const key = rest.at(-1)!;
          const whole = trained.get(key)!();
          const values = rest.length === 2 ? fourthRows(whole, model.file.tensors.get(key)!.shape[0]!) : whole;
          // The published arithmetic's own noise: see the goldens' manifest.
          expectClose(values, data as Float32Array, { maxAbs: 1e-5, outliers: 0.001 }, { name });
          expectClose(values, data as Float32Array, { maxAbs: 1e-4 }, { name });
          compared++;
        }
        for (const alpha of kind === 'blocks' ? (['0.7', '0.5'] as const) : []) {
          const mixed = mixedTensors(model, state!.weights, Number(alpha));
          for (const [name, { first4, abs_sum }] of Object.entries(training.alpha_average[alpha])) {
            const values = mixed.get(name)?.() ?? model.file.readFloat32(name);
            const label = { name: `alpha ${alpha}: ${name}` };
            expectClose(values.subarray(0, 4), first4, { maxAbs: 1e-5 }, label);
            const found = values.reduce((sum, value) => sum + Math.abs(value), 0);
            expectClose([found], [abs_sum], { maxAbs: 1e-5, relative: 1e-5 }, label);
          }
        }
        expect(compared).to.equal(kind === 'all' ? 5 : 48);
        expect(trained.size).to.equal(kind === 'all' ? 53 : 48);
      });
    });
  }

  it('every gradient, zero for queries and keys of the last block', async function () {
    this.timeout(120_000);
    const path = findGolden('clipself/training_gradients.safetensors');
    const whole = path === undefined ? {} : readGolden(path);
    tidy(() => {
      const [x, y, w] = tensors();
      const own = teacher.weights.image!;
      const taught = teacher.image(y).embedding;
      const { loss, gradients } = lossAndGradients(
        parts => {
          const student = createClip(teacher.config, { ...teacher.weights, image: withParts(own, parts) });
          return regionLoss(student, x, w, taught);
        },
        trainedParts(own, false, { stem: true }),
      );
      expect(loss.dataSync()[0]).to.be.closeTo(training['loss at start'], 1e-5);
      const stored = mixedTensors(model, valuesIn(gradients), 1);
      let compared = 0;
      for (const [name, note] of Object.entries(training.tensors)) {
        if (note.gradient_max_abs === undefined) continue;
        const values = stored.get(name)!();
        const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const length = values.reduce((sum, value) => sum + Math.abs(value), 0);
        const [rows] = model.file.tensors.get(name)!.shape as [number];
        expectClose(
          [largest, length],
          [note.gradient_max_abs, note.gradient_abs_sum!],
          { maxAbs: 1e-6, relative: 1e-3 },
          { name },
        );
        const golden = whole[`grad/${name}`] ?? whole[`grad/every_4th_row/${name}`];
        compared++;
        if (!golden) continue;
        const same = golden.data.length === values.length ? values : fourthRows(values, rows);
        expectClose(same, golden.data as Float32Array, { maxAbs: 1e-3 * largest + 1e-7 }, { name });
      }
      expect(compared).to.equal(53);
      const last = gradients.blocks.at(-1)!;
      for (const { tensor } of leavesOf({ q: last.q!, k: last.k! })) {
        expect(new Set(tensor.dataSync())).to.deep.equal(new Set([0]));
      }
    });
  });
});
