import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { loadClip, openModel } from '../../../src/checkpoint/loadClip.js';
import { encodePicture } from '../../../src/image/encode.js';
import { rgbPicture } from '../../../src/image/picture.js';
import { parseClipselfConfig } from '../../../src/methods/clipself/config.js';
import { openClipself, type TrainClipselfOptions } from '../../../src/methods/clipself/trainClipself.js';
import { startEngine } from '../../../src/tensor/engine.js';
import { readLog } from '../../../src/train/log.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { timeless, weightsIn } from '../../train/folder.js';
import { tinyJson, writeTiny } from './tiny.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const childPath = fileURLToPath(new URL('./child.ts', import.meta.url));

/** Distils in a process of its own. */
function inChild(...args: readonly string[]) {
  const flags = ['--import', 'tsx', '--import', './test/workers.mjs', childPath, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, flags, {
    cwd: root,
    encoding: 'utf8',
    timeout: 100_000,
  });
  return { status, stderr, steps: stdout.match(/\d+/g)?.map(Number) ?? [] };
}

/** Opens, trains and saves what a configuration says. */
async function distil(json: object, folder: string, options: Partial<TrainClipselfOptions> = {}): Promise<number[]> {
  const training = await openClipself(parseClipselfConfig(JSON.parse(JSON.stringify(json)), 'test'));
  try {
    const losses: number[] = [];
    const onStep = ({ loss }: { loss: number }) => void losses.push(loss);
    const result = await training.train({ folder, threads: 1, warn() {}, onStep, ...options });
    training.save(join(folder, 'model'), result);
    return losses;
  } finally {
    training.close();
  }
}

/** All tensors of a model file as float32. */
function tensorsIn(model: string): Map<string, Float32Array> {
  const { file } = openModel(model);
  try {
    return new Map([...file.tensors.keys()].map(name => [name, file.readFloat32(name)]));
  } finally {
    file.close();
  }
}

describe('train clipself', function () {
  this.timeout(120_000);
  before(() => startEngine('cpu'));

  it('leaves a model like the one it began with, its image blocks alone changed', () =>
    inTemporaryFolder(async dir => {
      const [start, folder] = [writeTiny(dir), join(dir, 'run')];
      writeFileSync(join(start, 'clipscope.json'), JSON.stringify({ about: 'tiny', templates: ['a {}'] }));
      const losses = await distil({ ...tinyJson(start), windows: { size: 2, global: [1] } }, folder);
      expect(losses).to.have.length(12);
      expect(Math.min(...losses.slice(-3))).to.be.lessThan(0.7 * losses[0]!);
      const model = join(folder, 'model');
      expect(readdirSync(model).sort()).to.deep.equal(readdirSync(start).sort());
      expect(JSON.parse(readFileSync(join(model, 'clipscope.json'), 'utf8'))).to.deep.equal({
        about: 'tiny',
        templates: ['a {}'],
        windows: { size: 2, global: [1] },
      });
      const [before, after] = [tensorsIn(start), tensorsIn(model)];
      expect([...after.keys()]).to.deep.equal([...before.keys()]);
      for (const [name, values] of after) {
        const same = values.every((value, i) => value === before.get(name)![i]);
        // Biases of queries and keys of the last block have no gradient and do not decay; those of any keys have none.
        const isStill = /encoder\.layers\.1\.self_attn\.[qk]_proj\.bias/.test(name) || /k_proj\.bias/.test(name);
        if (!isStill) expect(same, name).to.equal(!/^vision_model\.encoder/.test(name));
      }
      const clip = await loadClip(model);
      expect(clip.config.image!.windows).to.deep.equal({ size: 2, global: [1] });
      clip.dispose();
      const inputs = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')).inputs;
      expect(inputs.model).to.match(/^[0-9a-f]{64}$/);
    }));

  it('killed and resumed, it comes to the same weights', () =>
    inTemporaryFolder(async dir => {
      const [start, whole, killed] = [writeTiny(dir), join(dir, 'whole'), join(dir, 'killed')];
      const all = inChild(start, whole);
      expect(all.steps, all.stderr).to.have.length(12);
      expect(inChild(start, killed, 'killAfter=7')).to.deep.include({ status: null, steps: [1, 2, 3, 4, 5, 6, 7] });
      expect(inChild(start, killed, 'resume')).to.deep.equal({
        status: 0,
        stderr: '',
        steps: [5, 6, 7, 8, 9, 10, 11, 12],
      });
      expect(weightsIn(killed, 12).equals(weightsIn(whole, 12))).to.equal(true);
      expect(weightsIn(killed, 12).equals(weightsIn(killed, 8))).to.equal(false);
      expect(timeless(killed)).to.deep.equal(timeless(whole));
    }));

  it('learns from a folder of pictures of several sizes, for so many epochs, and knows when they changed', () =>
    inTemporaryFolder(async dir => {
      const [start, images, folder] = [writeTiny(dir), join(dir, 'images'), join(dir, 'run')];
      mkdirSync(images);
      const write = async (name: string, width: number, height: number) => {
        const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i) % 251);
        writeFileSync(join(images, name), await encodePicture(rgbPicture(width, height, data), name));
      };
      for (const [name, width, height] of [
        ['a.png', 40, 60],
        ['b.png', 100, 30],
        ['c.jpg', 9, 9],
      ] as const) {
        await write(name, width, height);
      }
      const json = {
        ...tinyJson(start),
        data: { images, batch: 2, size: 48, maxSplit: 3 },
        epochs: 4,
        steps: undefined,
      };
      const losses = await distil(json, folder, { until: 3 });
      expect(losses).to.have.length(3);
      // 3 pictures are two steps of two.
      expect(await distil(json, folder, { resume: folder })).to.have.length(5);
      expect(readLog(join(folder, 'log.jsonl')).at(-1)!.step).to.equal(8);
      const whole = join(dir, 'whole');
      expect(await distil(json, whole)).to.have.length(8);
      expect(weightsIn(folder, 8).equals(weightsIn(whole, 8))).to.equal(true);
      await write('b.png', 101, 30);
      expect(await rejection(distil(json, folder, { resume: folder }))).to.match(
        /the run's pictures changed since it began/,
      );
    }));

  it('goes on with the weights it began with alone', () =>
    inTemporaryFolder(async dir => {
      const [start, other, folder] = [writeTiny(dir), writeTiny(dir, 1), join(dir, 'run')];
      await distil(tinyJson(start), folder, { until: 1 });
      copyFileSync(join(other, 'model.safetensors'), join(start, 'model.safetensors'));
      const resumed = () => rejection(distil(tinyJson(start), folder, { resume: folder }));
      expect(await resumed()).to.match(/the run's model changed since it began/);
    }));

  it('goes on with what was done with them then', () =>
    inTemporaryFolder(async dir => {
      const [start, folder] = [writeTiny(dir), join(dir, 'run')];
      await distil(tinyJson(start), folder, { until: 1 });
      const change = (file: string, from: string, to: string) => {
        const text = readFileSync(join(start, file), 'utf8');
        expect(text).to.include(from);
        writeFileSync(join(start, file), text.replaceAll(from, to));
      };
      const resumed = () => distil(tinyJson(start), folder, { resume: folder, until: 2 });
      for (const [file, from, to] of [
        ['config.json', '"num_attention_heads": 2', '"num_attention_heads": 4'],
        ['preprocessor_config.json', '0.48145466', '0.5'],
      ] as const) {
        change(file, from, to);
        expect(await rejection(resumed()), file).to.match(/the run's model changed since it began/);
        change(file, to, from);
      }
      expect(await resumed()).to.have.length(1);
    }));

  it('refuses what does not suit the model', () =>
    inTemporaryFolder(async dir => {
      const start = writeTiny(dir);
      const json = tinyJson(start);
      const textAlone = writeTiny(dir, 2, ['text']);
      const bad: [change: object, message: RegExp][] = [
        [
          { data: { ...json.data, size: 50 } },
          /^train clipself: 'data\.size': 50 is no multiple of the model's patch, 8$/,
        ],
        [{ train: { layers: 3 } }, /'train\.layers': expected at most the model's 2 blocks, got 3/],
        [{ windows: { size: 2, global: [2] } }, /'windows\.global': expected blocks 0 to 1 of the model, got 2/],
        [{ data: { ...json.data, size: undefined, scenes: { radius: [1, 4] } } }, /'data\.scenes': .*radii/],
        [{ data: { ...json.data, size: 4096, batch: 100 } }, /'data\.batch': expected at most \d+ values of pixels/],
        [
          { data: { ...json.data, batch: 1000, maxRegions: 100, size: 120 } },
          /'data\.batch': expected at most \d+ weights of patches a step, got 22500000000:/,
        ],
        [{ data: { ...json.data, size: 4096 } }, /'data\.size': expected at most \d+ attention scores a block/],
        [{ model: textAlone }, /expected a checkpoint with the image tower; it has none/],
        [{ model: join(dir, 'none') }, /none': no such file/],
        [{ data: { images: join(dir, 'none') }, steps: undefined }, /none: cannot be read/],
        [{ optimiser: {}, data: { images: start }, steps: undefined }, /expected pictures .* found none/],
      ];
      for (const [change, message] of bad) {
        expect(await rejection(distil({ ...json, ...change }, join(dir, 'run')))).to.match(message);
      }
    }));
});
