import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RegionTable } from '../../../src/evaluate/regions/regionReport.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { json, succeed } from '../run.js';

/** A hundred steps of what `configs/clipself-scenes.json` does in two thousand. */
const config = {
  seed: 1,
  model: 'weights/scenes',
  data: { scenes: { objects: [2, 4], radius: [10, 30] }, batch: 4, size: 192, regions: 'boxes' },
  steps: 100,
  optimiser: { rate: 0.0005, warmup: 20 },
};

describe('train clipself on scenes', function () {
  this.timeout(300_000);

  it('teaches the dense map what the image tower knows of colours, and saves a model for everything else', async () => {
    const regionsOf = async (model: string) => {
      const dataset = 'scenes:n=24,size=192,objects=2-4,classes=colours';
      const flags = ['--dataset', dataset, '--model', model, '--readings', 'boxes,crops', '--quiet'];
      const table = await json<RegionTable>(['evaluate', '--task', 'regions', ...flags]);
      const read = (name: 'boxes' | 'crops') => table.methods.find(method => method[name])![name]!.thing.macc1!;
      return { boxes: read('boxes'), crops: read('crops') };
    };
    await inTemporaryFolder(async dir => {
      const file = join(dir, 'config.json');
      writeFileSync(file, JSON.stringify(config));
      await succeed(['train', 'clipself', '--config', file, '-o', join(dir, 'run'), '--threads', '2', '--quiet']);
      const distilled = join(dir, 'run', 'model');
      const [before, after] = [await regionsOf('weights/scenes'), await regionsOf(distilled)];
      expect(after.boxes - before.boxes).to.be.at.least(0.2);
      expect(after.crops - before.crops).to.be.at.least(-0.12);
      const flags = ['--classes', 'brick; blue; pink; yellow', '--method', 'sclip', '--model', distilled];
      const { images } = await json<{ images: unknown[] }>(['segment', 'examples/scene-2.png', ...flags]);
      expect(images).to.have.length(1);
    });
  });
});
