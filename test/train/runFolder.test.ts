/** What a run does to its folder, and what it makes of what it finds there. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { startEngine } from '../../src/tensor/engine.js';
import { enableGradients } from '../../src/tensor/gradients.js';
import { tensor2d } from '../../src/tensor/tfjs.js';
import { readLog } from '../../src/train/log.js';
import { rejection } from '../files/rejection.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { checkpointOf, timeless, weightsIn } from './folder.js';
import { lineRuns } from './lineRun.js';
import { lineTask } from './tiny.js';

describe('the folder of a run', () => {
  before(async () => {
    await startEngine('cpu');
    enableGradients();
  });

  const { run, taken } = lineRuns();
  beforeEach(() => void taken());

  for (const name of ['log.jsonl', 'curves.svg', 'model/notes.txt', 'checkpoints/step-00000099.safetensors']) {
    it(`is not one that holds a ${name} of somebody's`, () =>
      inTemporaryFolder(async dir => {
        const [folder, origin] = [join(dir, 'theirs'), join(dir, 'origin')];
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), 'years of work');
        const before = readdirSync(folder, { recursive: true });
        const message = await rejection(run(folder));
        expect(message).to.equal(
          `${folder}: expected an empty folder for the run, found '${name.split('/')[0]}'; name another`,
        );
        await run(origin, { until: 1 });
        expect(await rejection(run(folder, { resume: origin }))).to.equal(message);
        expect(readdirSync(folder, { recursive: true })).to.deep.equal(before);
        expect(readFileSync(join(folder, name), 'utf8')).to.equal('years of work');
      }));
  }

  it('stays empty when not one step can be done, for the next try', () =>
    inTemporaryFolder(async dir => {
      const broken = lineRuns({
        ...lineTask,
        step() {
          throw new RangeError('Array buffer allocation failed');
        },
      });
      const failure = await broken.run(dir).then(String, error => error.message);
      expect(failure).to.match(/allocation failed/);
      expect(readdirSync(dir)).to.deep.equal([]);
      const startsWrong = lineRuns({
        ...lineTask,
        start: () => ({ ...lineTask.start(), weights: { weight: tensor2d(Array(8).fill(Number.NaN), [4, 2]) } }),
      });
      expect(await rejection(startsWrong.run(dir))).to.match(/step 1 .*the loss is NaN/);
      expect(readdirSync(dir)).to.deep.equal([]);
      expect(await run(dir, { config: { steps: 6, corrected: true } })).to.include({ step: 6 });
    }));

  it('has one process at a time in it', () =>
    inTemporaryFolder(async dir => {
      const second: Promise<string>[] = [];
      const onStep = ({ step }: { step: number }) => {
        if (step < 3) second.push(rejection(run(dir, step === 1 ? {} : { resume: dir })));
      };
      // The second are awaited while the first trains.
      const evaluate = { every: 3, run: async () => ({ refused: (await Promise.all(second)).length }) };
      expect(await run(dir, { onStep, evaluate })).to.include({ step: 6 });
      const lock = join(dir, 'run.lock');
      for (const message of await Promise.all(second)) {
        expect(message).to.equal(`${dir}: another process trains there; if none does, remove ${lock}`);
      }
      expect(second).to.have.length(2);
      expect(existsSync(lock)).to.equal(false);
      await rejection(run(dir));
      expect(existsSync(lock), 'after a failure').to.equal(false);
    }));

  it('is taken over from a process that died before its first step', () =>
    inTemporaryFolder(async dir => {
      const { pid } = spawnSync(process.execPath, ['-e', '']);
      const lock = join(dir, 'run.lock');
      await run(dir, {
        // As this process writes it, for the name of the machine.
        onStep: () => void writeFileSync(join(dir, 'copy'), readFileSync(lock)),
        until: 1,
      });
      const held = JSON.parse(readFileSync(join(dir, 'copy'), 'utf8'));
      expect(held).to.include({ pid: process.pid });
      expect(held.machine).to.include(hostname());
      const next = join(dir, 'next');
      mkdirSync(next);
      writeFileSync(join(next, 'run.lock'), JSON.stringify({ ...held, pid }));
      const start = performance.now();
      expect(await run(next, { until: 1 })).to.include({ step: 1 });
      expect(performance.now() - start).to.be.below(5000);
      expect(existsSync(join(next, 'run.lock'))).to.equal(false);
    }));

  it('a training that loses its lock ends before it writes on', () =>
    inTemporaryFolder(async dir => {
      const evaluate = {
        every: 1,
        async run() {
          writeFileSync(join(dir, 'run.lock'), 'somebody else');
          await new Promise(resolve => setTimeout(resolve, 2500));
          return {};
        },
      };
      expect(await rejection(run(dir, { evaluate }))).to.match(/run\.lock: another process took this lock away/);
      expect(readLog(join(dir, 'log.jsonl')).at(-1)!.step).to.equal(1);
    }));

  it('of a run that goes on in another has its state from the beginning', () =>
    inTemporaryFolder(async dir => {
      const [here, there] = [join(dir, 'here'), join(dir, 'there')];
      await run(here, { until: 4 });
      expect(await run(there, { resume: here, until: 4 })).to.include({ step: 4, stopped: true });
      expect(readdirSync(join(there, 'checkpoints'))).to.deep.equal(['step-00000004.safetensors']);
      expect(readFileSync(checkpointOf(there, 4)).equals(readFileSync(checkpointOf(here, 4)))).to.equal(true);
      expect(timeless(there)).to.deep.equal(timeless(here));
      expect(await run(there, { resume: there })).to.include({ step: 6, stopped: false });
      await run(here, { resume: here });
      expect(weightsIn(there, 6).equals(weightsIn(here, 6))).to.equal(true);
      expect(taken()).to.deep.equal([]);
    }));

  it('a step to stop after that is behind gives what is there', () =>
    inTemporaryFolder(async dir => {
      const first = await run(dir, { until: 4 });
      const again = await run(dir, { resume: dir, until: 3 });
      expect(again).to.deep.include({ step: 4, stopped: true, state: first.state, last: first.last });
    }));

  const faults: [change: (file: { environment: object }) => void, says: RegExp][] = [
    [
      file => Object.assign(file.environment, { threads: 'lots' }),
      /'environment\.threads': expected .*, got '"lots"'$/,
    ],
    [file => Object.assign(file.environment, { threads: 0 }), /'environment\.threads': .*, got '0'$/],
    [file => Object.assign(file.environment, { node: 20 }), /'environment\.node': expected string, got '20'$/],
    [file => Object.assign(file, { environment: null }), /'environment': expected object, got 'null'$/],
    [file => Object.assign(file, { hash: undefined }), /'hash': expected string, got nothing$/],
    [file => Object.assign(file, { config: [1] }), /'config': expected .*, got '\[1\]'$/],
    [file => Object.assign(file, { config: {} }), /its configuration is not what was written; start anew$/],
  ];
  it('whose run.json says what cannot be is refused, the key named', () =>
    inTemporaryFolder(async dir => {
      await run(dir, { until: 1 });
      const path = join(dir, 'run.json');
      const text = readFileSync(path, 'utf8');
      for (const [change, says] of faults) {
        const file = JSON.parse(text);
        change(file);
        writeFileSync(path, JSON.stringify(file));
        const message = await rejection(run(dir, { resume: dir }));
        expect(message).to.match(says);
        expect(message.startsWith(`${path}: `)).to.equal(true);
      }
    }));

  it('goes on with the inputs it began with alone', () =>
    inTemporaryFolder(async dir => {
      const inputs = { weights: 'a1', pictures: 'b2' };
      await run(dir, { until: 1, inputs });
      expect(JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8')).inputs).to.deep.equal(inputs);
      for (const other of [{ ...inputs, pictures: 'b3' }, { weights: 'a1' }, undefined]) {
        const message = await rejection(run(dir, { resume: dir, ...(other && { inputs: other }) }));
        expect(message).to.match(/: the run's (pictures|weights) changed since it began; put back what it had/);
      }
      expect(await run(dir, { resume: dir, until: 2, inputs })).to.include({ step: 2 });
    }));

  it('of another version of Node or of this package is gone on with, with a warning', () =>
    inTemporaryFolder(async dir => {
      await run(dir, { until: 1 });
      const path = join(dir, 'run.json');
      const file = JSON.parse(readFileSync(path, 'utf8'));
      const { node, clipscope } = file.environment;
      Object.assign(file.environment, { node: 'v1.2.3', clipscope: '0.0.0' });
      writeFileSync(path, JSON.stringify(file));
      await run(dir, { resume: dir, until: 2 });
      const warnings = taken();
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.include(`begun with clipscope 0.0.0, now ${clipscope}; node v1.2.3, now ${node}: `);
    }));

  it('whose log is broken before the checkpoint is gone on with, and what is lost is said', () =>
    inTemporaryFolder(async dir => {
      await run(dir, { until: 4 });
      const path = join(dir, 'log.jsonl');
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, text.replace('{"step":4,', '{"step":4,,'));
      await run(dir, { resume: dir, until: 5 });
      expect(taken()).to.deep.equal([`${path}: broken behind step 2; what it said up to step 4 is lost`]);
    }));

  it('whose checkpoint is of a step without a line lacks none', () =>
    inTemporaryFolder(async dir => {
      await run(dir, { until: 5 });
      await run(dir, { resume: dir, until: 6 });
      expect(taken()).to.deep.equal([]);
    }));
});
