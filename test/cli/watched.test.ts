/**
 * Where somebody watches, graphs run in threads of their own: ONNX Runtime holds the thread it runs in, and with it bars
 * and Ctrl-C. That such a thread leaves the main one alone is `test/tensor/run/worker.test.ts`'s.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { writePicture } from '../../src/image/encode.js';
import { rgbPicture } from '../../src/image/picture.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { tinyJson } from '../train/tiny.js';
import { embedded, run, scene } from './run.js';

const ort = ['--engine', 'ort'];
const names = ['--classes', 'blue; pink; yellow', ...ort];
const scenes = ['--dataset', 'scenes:n=1', ...ort];

/** Commands that show progress while they compute; `{}` stands for a folder. */
const watched: Record<string, readonly string[]> = {
  segment: ['segment', scene(1), scene(2), ...names],
  classify: ['classify', scene(1), ...names],
  'embed pictures': ['embed', scene(1), '-o', '{}/e.safetensors', ...ort],
  'embed texts': ['embed', '--text', 'a red star', '-o', '{}/e.safetensors', ...ort],
  inspect: ['inspect', scene(1), ...ort],
  compare: ['compare', scene(1), ...names, '--methods', 'clip,sclip'],
  evaluate: ['evaluate', ...scenes, '-o', '{}/report.html'],
  'evaluate regions': ['evaluate', '--task', 'regions', ...scenes],
  analyze: ['analyze', 'parts', ...scenes],
  'train clip': ['train', 'clip', '--config', '{}/clip.json', '-o', '{}/run'],
  'train clipself': ['train', 'clipself', '--config', '{}/clipself.json', '-o', '{}/run'],
};

/** How many graphs a command starts in its main thread, and how many codecs for pictures. */
async function startedInMain(
  dir: string,
  args: readonly string[],
): Promise<{ readonly started: number; readonly codecs: number }> {
  const file = join(dir, 'started');
  const { status, stderr } = await run(
    args.map(arg => arg.replaceAll('{}', dir)),
    {
      env: {
        // Names are encoded anew.
        CLIPSCOPE_CACHE: join(dir, 'cache'),
        CLIPSCOPE_TEST_STARTED: file,
        NODE_OPTIONS: `--import ${new URL('./mainThread.mjs', import.meta.url).href}`,
      },
    },
  );
  expect(status, stderr).to.equal(0);
  return JSON.parse(readFileSync(file, 'utf8'));
}

describe('commands that somebody watches', function () {
  this.timeout(60_000);

  const inFolder = (test: (dir: string) => Promise<void>) => () =>
    inTemporaryFolder(async dir => {
      const evaluation = { every: tinyJson.steps, scenes: 2 };
      writeFileSync(join(dir, 'clip.json'), JSON.stringify({ ...tinyJson, evaluation }));
      const data = { scenes: { objects: [1, 2], radius: [10, 34] }, batch: 1, size: 96, regions: 'boxes' };
      const optimiser = { rate: 0.001, warmup: 1, decay: 0.05 };
      const clipself = { seed: 1, model: embedded, data, optimiser, steps: 2, evaluation: { every: 2, scenes: 2 } };
      writeFileSync(join(dir, 'clipself.json'), JSON.stringify(clipself));
      await test(dir);
    });

  for (const [name, args] of Object.entries(watched)) {
    it(
      `${name} starts no graph in the main thread`,
      inFolder(async dir => {
        expect((await startedInMain(dir, args)).started).to.equal(0);
      }),
    );
  }

  it(
    'without which there would be some',
    inFolder(async dir => {
      expect((await startedInMain(dir, [...watched.classify!, '--quiet'])).started).to.be.above(0);
    }),
  );

  it(
    'large pictures are decoded and encoded in no main thread that is watched',
    inFolder(async dir => {
      const photo = join(dir, 'photo.jpg');
      const [width, height] = [1400, 800];
      await writePicture(photo, rgbPicture(width, height, new Uint8Array(3 * width * height).fill(90)));
      const args = ['segment', photo, ...names, '-o', join(dir, 'overlay.jpg')];
      expect((await startedInMain(dir, args)).codecs).to.equal(0);
      expect((await startedInMain(dir, [...args, '--quiet'])).codecs).to.equal(2);
    }),
  );
});
