import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { startEngine } from '../../src/tensor/engine.js';
import { enableGradients } from '../../src/tensor/gradients.js';
import { type LogEntry, readLog } from '../../src/train/log.js';
import { rejection } from '../files/rejection.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { checkpointOf, timeless, weightsIn } from './folder.js';
import { type LineOptions, lineConfig, lineRuns } from './lineRun.js';

describe('a run in a folder', () => {
  before(async () => {
    await startEngine('cpu');
    enableGradients();
  });

  const { run, taken } = lineRuns();
  const config = lineConfig;
  beforeEach(() => void taken());
  /** A run that is stopped after a step. */
  const stoppedAfter = (folder: string, step: number, options: LineOptions = {}) => {
    const stop = new AbortController();
    const onStep = (report: { step: number }) => void (report.step === step && stop.abort());
    return run(folder, { onStep, signal: stop.signal, ...options });
  };

  it('leaves what it is, its log, checkpoints and curves', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'a', 'b');
      const { last, evaluation, stopped } = await run(folder);
      expect(readdirSync(folder).sort()).to.deep.equal(['checkpoints', 'curves.svg', 'log.jsonl', 'run.json']);
      const entries = readLog(join(folder, 'log.jsonl'));
      const kinds = entries.map(entry => `${entry.step} ${'evaluation' in entry ? 'evaluation' : 'step'}`);
      expect(kinds).to.deep.equal(['1 step', '2 step', '3 evaluation', '4 step', '6 step', '6 evaluation']);
      expect(entries[4]).to.deep.equal(last);
      expect({ evaluation, stopped }).to.deep.equal({ evaluation: { share: 0.6 }, stopped: false });
      expect(readdirSync(join(folder, 'checkpoints'))).to.have.length(2);
      const about = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
      expect(about.config).to.deep.equal(config);
      expect(about.environment).to.include({ node: process.version, threads: 1 });
      expect(about.environment).to.have.keys('clipscope', 'node', 'onnxruntime', 'threads');
      expect(readFileSync(join(folder, 'curves.svg'), 'utf8')).to.match(/^<svg.*images per second.*<\/svg>$/s);
      expect(taken()).to.deep.equal([]);
    }));

  it('stopped by a signal, it goes on to the same end, there or in another folder', () =>
    inTemporaryFolder(async dir => {
      const [whole, here, there] = ['whole', 'here', 'there'].map(name => join(dir, name)) as [string, string, string];
      await run(whole);
      expect(await stoppedAfter(here, 3)).to.include({ step: 3, stopped: true });
      expect(existsSync(checkpointOf(here, 3))).to.equal(true);
      const before = readFileSync(checkpointOf(here, 3));
      await run(there, { resume: here });
      expect(readFileSync(checkpointOf(here, 3)).equals(before)).to.equal(true);
      expect(readdirSync(join(here, 'checkpoints'))).to.have.length(2);
      await run(here, { resume: here });
      for (const folder of [here, there]) {
        expect(weightsIn(folder, 6).equals(weightsIn(whole, 6)), folder).to.equal(true);
        expect(timeless(folder)).to.deep.equal(timeless(whole));
      }
      expect(taken()).to.deep.equal([]);
    }));

  it('a run that is complete gives its result again', () =>
    inTemporaryFolder(async dir => {
      const first = await run(dir);
      const again = await run(dir, { resume: dir });
      expect(again).to.deep.include({ step: 6, stopped: false, last: first.last, evaluation: first.evaluation });
      expect(again.state).to.deep.equal(first.state);
    }));

  const damages: [what: string, damage: (path: string) => void, says: RegExp][] = [
    ['cut short', path => truncateSync(path, readFileSync(path).length - 5), /step-00000006.*cut short/],
    ['empty', path => truncateSync(path, 0), /step-00000006/],
    [
      'with a bit turned',
      path => {
        const bytes = readFileSync(path);
        bytes[bytes.length - 3]! ^= 4;
        writeFileSync(path, bytes);
      },
      /step-00000006.*its content is not what was written/,
    ],
    [
      'whose metadata was changed',
      path => {
        const text = readFileSync(path, 'latin1');
        writeFileSync(path, text.replace('"step":"6"', '"step":"5"'), 'latin1');
      },
      /step-00000006.*its content is not what was written/,
    ],
    [
      'of another run',
      path => copyFileSync(join(path, '..', '..', '..', 'other', 'checkpoints', 'step-00000006.safetensors'), path),
      /step-00000006.*another configuration/,
    ],
  ];
  for (const [what, damage, says] of damages) {
    it(`a checkpoint ${what} is passed over for the one before`, () =>
      inTemporaryFolder(async dir => {
        const folder = join(dir, 'run');
        if (what === 'of another run') await run(join(dir, 'other'), { config: { steps: 7 } });
        await run(folder);
        const wanted = weightsIn(folder, 6);
        damage(checkpointOf(folder, 6));
        const reports: number[] = [];
        await run(folder, { resume: folder, onStep: ({ step }) => void reports.push(step) });
        const warnings = taken();
        expect(warnings).to.have.length(1);
        expect(warnings[0])
          .to.match(says)
          .and.match(/; going on from step-00000004\.safetensors instead$/);
        expect(reports).to.deep.equal([5, 6]);
        expect(weightsIn(folder, 6).equals(wanted)).to.equal(true);
      }));
  }

  it('no sound checkpoint at all is refused, none written yet means the beginning', () =>
    inTemporaryFolder(async dir => {
      await run(dir);
      for (const step of [4, 6]) truncateSync(checkpointOf(dir, step), 100);
      expect(await rejection(run(dir, { resume: dir }))).to.match(
        /step-00000006.*; no other checkpoint there is sound; start anew$/,
      );
      expect(taken()).to.deep.equal([]);
      rmSync(join(dir, 'checkpoints'), { recursive: true });
      const { last } = await run(dir, { resume: dir });
      expect(taken().at(-1)).to.match(/no checkpoint there yet; beginning with the first step$/);
      expect(last!.step).to.equal(6);
      expect(timeless(dir)).to.have.length(6);
    }));

  it('refuses a folder with a run, one without, and a run of another configuration', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      await run(folder);
      const entries = (): LogEntry[] => readLog(join(folder, 'log.jsonl'));
      const before = entries();
      expect(await rejection(run(folder))).to.match(/there is a run in it already; go on with it \(--resume\)/);
      const none = join(dir, 'none');
      expect(await rejection(run(none, { resume: none }))).to.match(/none: expected the folder of a run there/);
      expect(existsSync(none)).to.equal(false);
      const others: [config: object, says: RegExp][] = [
        [{ ...config, steps: 8 }, /'steps' is '6' there and '8' here$/],
        [
          { ...config, optimiser: { rate: 0.1, beta: [0.9, 0.99] } },
          /'optimiser\.beta\.1' is '0\.98' there and '0\.99' here$/,
        ],
        [{ ...config, extra: null }, /'extra' is missing there and 'null' here$/],
        [{ steps: 6 }, /'optimiser' is '\{"rate":0\.1,"beta":\[0\.9,0\.98\]\}' there and missing here$/],
      ];
      for (const [other, says] of others) {
        expect(await rejection(run(folder, { resume: folder, config: other }))).to.match(says);
      }
      const elsewhere = join(dir, 'elsewhere');
      await run(elsewhere);
      expect(await rejection(run(elsewhere, { resume: folder }))).to.match(/elsewhere: there is a run in it already/);
      expect(entries()).to.deep.equal(before);
    }));

  it('a run.json that was changed or broken is refused', () =>
    inTemporaryFolder(async dir => {
      await run(dir);
      const path = join(dir, 'run.json');
      const text = readFileSync(path, 'utf8');
      for (const broken of [text.replace('"rate": 0.1', '"rate": 0.2'), '{}', '{', '[1]', 'null']) {
        writeFileSync(path, broken);
        expect(await rejection(run(dir, { resume: dir }))).to.match(/run\.json: /);
      }
    }));

  it('says when other threads or another runtime go on with it', () =>
    inTemporaryFolder(async dir => {
      await stoppedAfter(dir, 3);
      await run(dir, { resume: dir, threads: 2 });
      const warnings = taken();
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.match(/begun with threads 1, now 2: the last digits/);
    }));

  it('a checkpoint that cannot be put in its place leaves the one before whole, and says so', () =>
    inTemporaryFolder(async dir => {
      // A folder where the file should go: the rename fails.
      const onStep = ({ step }: { step: number }) => void (step === 4 && mkdirSync(checkpointOf(dir, 4)));
      const message = await rejection(run(dir, { onStep }));
      expect(message).to.match(/step-00000004\.safetensors.*; step-00000002\.safetensors is whole$/);
      expect(readdirSync(join(dir, 'checkpoints')).filter(name => /partial|tmp/.test(name))).to.deep.equal([]);
      rmSync(checkpointOf(dir, 4), { recursive: true });
      expect(await run(dir, { resume: dir })).to.include({ step: 6 });
      expect(taken()).to.deep.equal([]);
    }));

  it('a loss that is not finite names the last good checkpoint', () =>
    inTemporaryFolder(async dir => {
      const message = await rejection(run(dir, { steps: 100, rate: step => (step < 5 ? 0.01 : 1e20) }));
      expect(message).to.match(
        /^train: step \d+ \(batch: number \d+\): .*; the last good checkpoint is .*step-00000004\.safetensors; try/,
      );
      expect(readdirSync(join(dir, 'checkpoints'))).to.include('step-00000004.safetensors');
    }));
});
