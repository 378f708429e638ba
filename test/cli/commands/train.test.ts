import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readLog } from '../../../src/train/log.js';
import { describeEnvironment, writeRunFile } from '../../../src/train/runFile.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { tinyJson } from '../../train/tiny.js';
import { refuses } from '../refused.js';
import { embedded, json, run, scene, succeed } from '../run.js';

const withEvaluation = { ...tinyJson, evaluation: { every: 6, scenes: 10 } };

const distillation = {
  model: embedded,
  data: { scenes: { objects: [2, 3] }, batch: 1, size: 96, regions: 'boxes' },
  steps: 4,
  optimiser: { rate: 1e-4, warmup: 1 },
  evaluation: { every: 4, scenes: 3 },
  log: { every: 1 },
};

function writeConfig(dir: string, config: object = withEvaluation): string {
  const path = join(dir, 'config.json');
  writeFileSync(path, JSON.stringify(config));
  return path;
}

describe('clipscope train', function () {
  this.timeout(120_000);

  it('trains a CLIP that other commands load', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      const args = ['train', 'clip', '--config', writeConfig(dir), '-o', folder, '--threads', '1'];
      const said = await json<{ steps: number; loss: number; metrics: Record<string, number> }>(args);
      expect(said).to.have.keys('steps', 'loss', 'metrics');
      expect(said.steps).to.equal(12);
      const entries = readLog(join(folder, 'log.jsonl'));
      const last = entries.findLast(entry => 'loss' in entry)!;
      expect(said.loss).to.equal('loss' in last && last.loss);
      expect(said.metrics).to.include.keys('accuracy', 'background', 'colour', 'shape');
      expect(entries.filter(entry => 'evaluation' in entry).map(({ step }) => step)).to.deep.equal([6, 12]);
      expect(readdirSync(folder).sort()).to.deep.equal(['checkpoints', 'curves.svg', 'log.jsonl', 'model', 'run.json']);
      expect(readdirSync(join(folder, 'model')).sort()).to.deep.equal([
        'clipscope.json',
        'config.json',
        'model.safetensors',
        'preprocessor_config.json',
      ]);
      const classes = ['classify', scene(1), '--classes', 'red; green; blue', '--model', join(folder, 'model')];
      const { images } = await json<{ images: { scores: { probability: number }[] }[] }>(classes);
      expect(images[0]!.scores).to.have.length(3);
      expect(images[0]!.scores.reduce((sum, { probability }) => sum + probability, 0)).to.be.closeTo(1, 1e-5);
    }));

  it('stops after the step that --steps names, and goes on from its own configuration', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      const config = writeConfig(dir, tinyJson);
      const first = await run(['train', 'clip', '--config', config, '-o', folder, '--steps', '5', '--threads', '1']);
      expect(first.status).to.equal(0);
      expect(first.stdout).to.match(/^step 5, loss [\d.]+ -> /);
      expect(first.stderr).to.equal(
        `clipscope: stopped after step 5 of 12; 'clipscope train clip --resume ${folder}' goes on\n`,
      );
      const behind = await run(['train', 'clip', '--resume', folder, '--steps', '3']);
      expect(behind).to.deep.equal(first);
      expect(await succeed(['train', 'clip', '--resume', folder])).to.match(/^step 12, loss/);
      const steps = readLog(join(folder, 'log.jsonl')).map(({ step }) => step);
      expect(steps).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    }));

  it('a signal ends it after the step under way, with a checkpoint and a word on how to go on', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      const config = writeConfig(dir, { ...tinyJson, steps: 100_000, checkpoint: { every: 100_000 } });
      const { status, signal, stdout, stderr } = await run(['train', 'clip', '--config', config, '-o', folder], {
        meanwhile(child) {
          const log = join(folder, 'log.jsonl');
          const timer = setInterval(() => {
            if (!existsSync(log) || readFileSync(log, 'utf8').split('\n').length < 5) return;
            clearInterval(timer);
            child.kill('SIGINT');
          }, 20);
          child.on('close', () => clearInterval(timer));
        },
      });
      expect({ status, signal, stdout }, stderr).to.deep.equal({ status: null, signal: 'SIGINT', stdout: '' });
      const [, step] =
        /^clipscope: stopped after step (\d+) of 100000; '.* --resume .*run' goes on\n$/.exec(stderr) ?? [];
      const name = `step-${step?.padStart(8, '0')}.safetensors`;
      expect(readdirSync(join(folder, 'checkpoints')), stderr).to.deep.equal([name]);
      const next = String(Number(step) + 3);
      const said = await json<{ steps: number }>(['train', 'clip', '--resume', folder, '--steps', next, '--quiet']);
      expect(said.steps).to.equal(Number(step) + 3);
    }));

  it('teaches the embedded model its regions, for other commands to use', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      const config = writeConfig(dir, distillation);
      const args = ['train', 'clipself', '--config', config, '-o', folder, '--threads', '1'];
      const first = await run([...args, '--steps', '2']);
      expect(first.stderr).to.equal(
        `clipscope: stopped after step 2 of 4; 'clipscope train clipself --resume ${folder}' goes on\n`,
      );
      const again = ['train', 'clipself', '--resume', folder, '--threads', '1'];
      const said = await json<{ steps: number; loss: number; metrics: Record<string, number> }>(again);
      expect(said.steps).to.equal(4);
      const looks = ['coloursBoxes', 'coloursCrops', 'shapesBoxes', 'shapesCrops'];
      expect(said.metrics).to.have.keys('gradient', ...looks);
      for (const look of looks) expect(said.metrics[look]).to.be.within(0, 1);
      expect(readdirSync(folder).sort()).to.deep.equal(['checkpoints', 'curves.svg', 'log.jsonl', 'model', 'run.json']);
      const segmented = ['segment', scene(1), '--classes', 'red; green', '--method', 'sclip'];
      const { images } = await json<{ images: { classes: object[] }[] }>([
        ...segmented,
        '--model',
        join(folder, 'model'),
      ]);
      expect(images[0]!.classes).to.have.length(2);
    }));

  refuses(
    [
      [['train'], /missing required argument 'what'/],
      [['train', 'bert'], /'bert' is invalid.*clip/],
      [['train', 'clip'], /expected a folder for the run, -o DIR/],
      [['train', 'clip', '-o', ''], /-o: expected the path of a folder, got an empty one/],
      [['train', 'clip', '--resume', ''], /--resume: expected the path of a folder, got an empty one/],
      [['train', 'clip', '-o', 'run'], /expected a configuration, --config FILE/],
      [['train', 'clip', '-o', 'run', '--config', 'none.json'], /none\.json: .*no such file/],
      [
        ['train', 'clip', '-o', 'run', '--config', '{}/unknown.json'],
        /unknown\.json: 'optimiser\.rte': unknown key; did you mean rate/,
      ],
      [
        ['train', 'clip', '-o', 'run', '--config', '{}/long.json'],
        /long\.json: 'optimiser\.warmup': 12 steps leave none/,
      ],
      [['train', 'clipself', '-o', 'run', '--config', '{}/config.json'], /config\.json: '(model|seed|[a-z.]+)'/],
      [['train', 'clipself', '-o', 'run', '--config', '{}/gone.json'], /model 'nowhere': no such file or folder/],
      [
        ['train', 'clipself', '--resume', '{}/run', '-o', '{}/elsewhere'],
        /\/run: a run of 'train clip'; 'clipscope train clip --resume .*\/run' goes on with it/,
      ],
      [
        ['train', 'clip', '--resume', '{}/distilled'],
        /distilled: a run of 'train clipself'; 'clipscope train clipself --resume .*distilled' goes on with it/,
      ],
      [
        ['train', 'clip', '--resume', '{}/distilled', '--config', '{}/config.json'],
        /distilled: a run of 'train clipself'; /,
      ],
      [['train', 'clip', '--resume', '{}/later'], /later\/run\.json: 'model.depth': unknown key/],
      [['train', 'clip', '-o', 'run', '--config', scene(1)], /scene-1\.png: .*UTF-8/],
      [['train', 'clip', '-o', 'run', '--config', '{}/config.json', '--steps', '0'], /--steps/],
      [['train', 'clip', '-o', 'run', '--config', '{}/config.json', '--threads', 'many'], /--threads/],
      [
        ['train', 'clip', '-o', '{}/config.json', '--config', '{}/config.json'],
        /config\.json: the folder cannot be made/,
      ],
      [['train', 'clip', '--resume', 'none'], /none: expected the folder of a run there, found no run\.json/],
      [['train', 'clip', '--resume', embedded], /expected the folder of a run there, found no run\.json/],
      [
        ['train', 'clip', '--resume', '{}/run', '--config', '{}/other.json'],
        /run: a run of another configuration: 'data\.seed' is '7' there and '8' here/,
      ],
      [
        ['train', 'clip', '-o', '{}/run', '--config', '{}/config.json'],
        /run: there is a run in it already; go on with it/,
      ],
      [
        ['train', 'clip', '-o', '{}', '--config', '{}/config.json'],
        /expected an empty folder for the run, found '[^']+'; name another/,
      ],
      [
        ['train', 'clip', '--resume', '{}/broken'],
        /step-00000001\.safetensors: .*; no other checkpoint there is sound; start anew/,
      ],
    ],
    async dir => {
      const config = writeConfig(dir, tinyJson);
      const write = (name: string, changed: object) => writeFileSync(join(dir, name), JSON.stringify(changed));
      write('gone.json', { ...distillation, model: 'nowhere' });
      write('unknown.json', { ...tinyJson, optimiser: { rte: 1 } });
      write('long.json', { ...tinyJson, optimiser: { rate: 0.01, warmup: 12 } });
      const later = { ...tinyJson, model: { ...tinyJson.model, depth: 2 } };
      for (const [name, there] of Object.entries({ distilled: distillation, later })) {
        mkdirSync(join(dir, name));
        writeRunFile(join(dir, name), there, describeEnvironment());
      }
      write('other.json', { ...tinyJson, data: { ...tinyJson.data, seed: 8 } });
      for (const name of ['run', 'broken']) {
        await run(['train', 'clip', '--config', config, '-o', join(dir, name), '--steps', '1', '--quiet']);
      }
      mkdirSync(join(dir, 'broken', 'checkpoints'), { recursive: true });
      writeFileSync(join(dir, 'broken', 'checkpoints', 'step-00000001.safetensors'), 'broken');
    },
  );
});
