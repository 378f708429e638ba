import { expect } from 'chai';
import type { Mapped, Values } from '../../src/tensor/compile.js';
import { stateTensors } from '../../src/tensor/compileStep.js';
import { startEngine } from '../../src/tensor/engine.js';
import { enableGradients } from '../../src/tensor/gradients.js';
import { log, scalar, tensor2d } from '../../src/tensor/tfjs.js';
import { leavesOf } from '../../src/tensor/trace/structure.js';
import { type Snapshot, type StepReport, type TrainOptions, train } from '../../src/train/loop.js';
import type { TrainTask } from '../../src/train/task.js';
import { withoutLeak } from '../engine.js';
import { rejection } from '../files/rejection.js';
import { expectClose } from '../goldens.js';
import { type LineState, lineSource, lineTask } from './tiny.js';

const rate = (step: number) => 0.1 / step;

/** The state after so many steps, done one by one on the engine. */
async function eagerly(steps: number): Promise<{ state: LineState; losses: number[] }> {
  const source = lineSource();
  let state = lineTask.start();
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const [x, y] = (await source.batch(step)).map(({ data, shape }) =>
      tensor2d(data as Float32Array, shape as [number, number]),
    );
    const done = lineTask.step(state, scalar(rate(step)), x!, y!);
    losses.push(done.metrics.loss!.dataSync()[0]!);
    state = done.state;
  }
  return { state, losses };
}

const run = (options: Partial<TrainOptions<LineState>> = {}, source = lineSource()) =>
  train(lineTask, source, { steps: 6, rate, ...options });

function expectState(actual: Mapped<LineState, Values>, expected: LineState): void {
  const like = stateTensors(expected, actual);
  leavesOf(expected).forEach(({ path, tensor }, i) => {
    const mine = leavesOf(like)[i]!.tensor;
    expectClose(
      mine.dataSync() as Float32Array,
      tensor.dataSync() as Float32Array,
      { maxAbs: 1e-5 },
      { name: path.join('.') },
    );
  });
}

describe('train', () => {
  before(async () => {
    await startEngine('cpu');
    enableGradients();
  });

  it('does what the steps do eagerly, and tells of each', async () => {
    const reports: StepReport[] = [];
    const { state, step, stopped, last } = await run({ onStep: report => reports.push(report) });
    const expected = await eagerly(6);
    expectState(state, expected.state);
    expectClose(
      Float32Array.from(reports, ({ loss }) => loss),
      Float32Array.from(expected.losses),
      { maxAbs: 1e-4 },
    );
    expect({ step, stopped }).to.deep.equal({ step: 6, stopped: false });
    expect(reports.map(one => one.step)).to.deep.equal([1, 2, 3, 4, 5, 6]);
    expect(reports.map(one => one.rate)).to.deep.equal([1, 2, 3, 4, 5, 6].map(rate));
    expect(reports.map(one => one.metrics)).to.deep.equal([1, 2, 3, 4, 5, 6].map(count => ({ count })));
    expect(last).to.equal(reports.at(-1));
    for (const { imagesPerSecond, seconds } of reports) {
      expect(imagesPerSecond).to.be.greaterThan(0);
      expect(seconds).to.be.greaterThan(0);
    }
  });

  it('leaves no tensor behind', () => withoutLeak(() => run()));

  it('asks for batches ahead, each once, none beyond the last, and gives each back', async () => {
    const source = lineSource();
    let asked: number[] = [];
    const onStep = ({ step }: StepReport) => {
      if (step === 1) asked = [...source.asked];
    };
    await run({ ahead: 2, onStep }, source);
    expect(asked).to.deep.equal([1, 2, 3]);
    expect(source.asked).to.deep.equal([1, 2, 3, 4, 5, 6]);
    expect(source.released).to.equal(6);
  });

  it('goes on from any state to the same numbers, bit for bit', async () => {
    const snapshots: Snapshot<LineState>[] = [];
    const save = async (snapshot: Snapshot<LineState>) => String(snapshots.push(snapshot));
    const whole = await run({ checkpoint: { every: 2, save } });
    expect(snapshots.map(({ step }) => step)).to.deep.equal([2, 4, 6]);
    const source = lineSource();
    const resumed = await run({ from: snapshots[0]! }, source);
    expect(source.asked).to.deep.equal([3, 4, 5, 6]);
    expect(resumed.state).to.deep.equal(whole.state);
    expect(snapshots[2]!.state).to.deep.equal(whole.state);
    expect(resumed.seconds).to.be.greaterThan(snapshots[0]!.seconds);
  });

  it('does nothing where nothing is left to do', async () => {
    const whole = await run();
    const source = lineSource();
    expect(await run({ from: whole }, source)).to.include({ step: 6, stopped: false, state: whole.state });
    expect(source.asked).to.deep.equal([]);
  });

  it('evaluates and saves when it is due and at the end, each once', async () => {
    const done: string[] = [];
    await run({
      steps: 5,
      evaluate: { every: 2, run: async ({ step }) => void done.push(`evaluate ${step}`) },
      checkpoint: { every: 4, save: async ({ step }) => String(done.push(`save ${step}`)) },
    });
    expect(done).to.deep.equal(['evaluate 2', 'evaluate 4', 'save 4', 'evaluate 5', 'save 5']);
  });

  it('stops after the step under way, with a checkpoint, when told to', async () => {
    const stop = new AbortController();
    const saved: number[] = [];
    const { step, stopped, state } = await run({
      signal: stop.signal,
      onStep: report => void (report.step === 3 && stop.abort()),
      checkpoint: { every: 100, save: async snapshot => String(saved.push(snapshot.step)) },
    });
    expect({ step, stopped, saved }).to.deep.equal({ step: 3, stopped: true, saved: [3] });
    expectState(state, (await eagerly(3)).state);
  });

  it('stops after the step that was named, asks for no batch beyond, and does nothing behind it', async () => {
    const source = lineSource();
    const saved: number[] = [];
    const checkpoint = { every: 100, save: async (snapshot: Snapshot<LineState>) => String(saved.push(snapshot.step)) };
    const reached = await run({ until: 3, checkpoint }, source);
    expect(reached).to.include({ step: 3, stopped: true });
    expect({ saved, asked: source.asked }).to.deep.equal({ saved: [3], asked: [1, 2, 3] });
    for (const until of [2, 3]) {
      expect(await run({ until, from: reached, checkpoint }, source)).to.include({ step: 3, stopped: true });
    }
    expect({ saved, asked: source.asked }).to.deep.equal({ saved: [3], asked: [1, 2, 3] });
    expect(await run({ until: 9, from: reached })).to.include({ step: 6, stopped: false });
  });

  it('says when it starts: not before a step is known to work', async () => {
    const started: string[] = [];
    const onStart = () => void started.push('started');
    const uncompiled: TrainTask<LineState> = {
      ...lineTask,
      step() {
        throw new Error('no such step');
      },
    };
    const failing = train(uncompiled, lineSource(), { steps: 1, rate, onStart });
    expect(await failing.then(String, error => error.message)).to.match(/no such step/);
    const startsWrong = {
      ...lineTask,
      start: () => ({ ...lineTask.start(), weights: { weight: tensor2d(Array(8).fill(Number.NaN), [4, 2]) } }),
    };
    expect(await rejection(train(startsWrong, lineSource(), { steps: 1, rate, onStart }))).to.match(/the loss is NaN/);
    expect(started).to.deep.equal([]);
    expect(await run({ onStart, signal: AbortSignal.abort() })).to.include({ step: 0, stopped: true });
    expect(started.splice(0)).to.deep.equal(['started']);
    await run({ steps: 2, onStart, onStep: ({ step }) => void started.push(String(step)) });
    expect(started).to.deep.equal(['started', '1', '2']);
  });

  it('an infinite loss stops it: the step, its batch, the last checkpoint', async () => {
    const options = {
      steps: 100,
      rate: () => 1e9,
      checkpoint: { every: 2, save: async ({ step }: Snapshot<LineState>) => `checkpoint ${step}` },
    };
    expect(await rejection(run(options))).to.match(
      /^train: step (\d+) \(batch: number \1\): (the loss is (Infinity|NaN)|.*not finite); the last good checkpoint is checkpoint \d+; try a lower/,
    );
  });

  it('weights that are not finite are no checkpoint, though the loss was', async () => {
    let saved = 0;
    // The logarithm of a number below zero gets into the weights after the loss has been computed.
    const spoilt: TrainTask<LineState> = {
      ...lineTask,
      step(state, ...inputs) {
        const done = lineTask.step(state, inputs[0], ...inputs.slice(1));
        return { ...done, state: { ...done.state, momentum: log(done.state.momentum) } };
      },
    };
    const training = train(spoilt, lineSource(), {
      steps: 1,
      rate,
      checkpoint: { every: 1, save: async () => String(saved++) },
    });
    expect(await rejection(training)).to.match(
      /^train: step 1 .*weights that are not finite; there is no checkpoint yet/,
    );
    expect(saved).to.equal(0);
  });

  it('what a source or a hook throws comes out', async () => {
    const broken = { ...lineSource(), batch: () => Promise.reject(new Error('no such scene')) };
    const failures = await Promise.all(
      [
        run({}, broken),
        run({ evaluate: { every: 1, run: () => Promise.reject(new Error('no such class')) } }),
        run({
          checkpoint: {
            every: 1,
            save() {
              throw new Error('no such disk');
            },
          },
        }),
      ].map(training => training.then(String, error => error.message)),
    );
    expect(failures).to.deep.equal(['no such scene', 'no such class', 'no such disk']);
  });

  it('a batch of another shape is refused', async () => {
    const values = (...shape: [number, number]) => ({ data: new Float32Array(shape[0] * shape[1]), shape });
    const refusal = (...batch: Values[]) => rejection(run({}, { ...lineSource(), batch: async () => batch }));
    expect(await refusal(values(3, 4))).to.match(/expected 3 inputs, got 2/);
    expect(await refusal(values(3, 5), values(3, 2))).to.match(/input 1: expected float32 \[3, 4\], got .*\[3, 5\]/);
    expect(await refusal(values(3, 4), values(2, 2))).to.match(/input 2: expected float32 \[3, 2\], got .*\[2, 2\]/);
  });
});
