import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { encodePicture } from '../../../src/image/encode.js';
import { rgbPicture } from '../../../src/image/picture.js';
import { clipPreprocess, preprocess } from '../../../src/image/preprocess.js';
import { type RegionPlan, regionBatches } from '../../../src/methods/clipself/batch.js';
import { clipselfBatches } from '../../../src/methods/clipself/batches.js';
import { findPictures, hashPictures, pictureOrder, stepsOfEpoch } from '../../../src/methods/clipself/pictures.js';
import { drawScenes } from '../../../src/scenes/batch.js';
import { sceneAt } from '../../../src/scenes/scene.js';
import type { Values } from '../../../src/tensor/compile.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { expectClose } from '../../goldens.js';

const { rescale, mean, std } = clipPreprocess(32);
const plan: RegionPlan = {
  ...{ seed: 5, batch: 2, size: 64, patch: 16, cropSize: 32, rescale, mean, std },
  ...{ regions: 'boxes', maxSplit: 6, maxRegions: 20, cropScale: 1.5 },
  scenes: { objects: [2, 4] },
};
const silent = () => {};
const copied = (batch: readonly Values[]) => batch.map(({ data, shape }) => ({ data: data.slice(), shape }));

const sumOf = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0);

/** A picture of one colour, its side and its height given. */
async function writePlain(path: string, width: number, height: number, level: number): Promise<void> {
  writeFileSync(
    path,
    await encodePicture(rgbPicture(width, height, new Uint8Array(3 * width * height).fill(level)), path),
  );
}

describe('regionBatches', () => {
  it('of scenes: the pictures, a crop and a row of weights for each visible object', async () => {
    const [pixels, crops, weights] = copied(await regionBatches(plan, silent)(3, undefined)) as [
      Values,
      Values,
      Values,
    ];
    const scenes = [4, 5].map(index => sceneAt(5, index, { objects: [2, 4], size: 64 }));
    const expected = new Float32Array(2 * 3 * 64 * 64);
    drawScenes(scenes, expected, { mean, std });
    expect(pixels.shape).to.deep.equal([2, 3, 64, 64]);
    expectClose(pixels.data, expected, { maxAbs: 0 });
    const regions = scenes.reduce((sum, { objects }) => sum + objects.length, 0);
    expect(crops.shape).to.deep.equal([regions, 3, 32, 32]);
    expect(weights.shape).to.deep.equal([regions, 2 * 16]);
    for (let row = 0; row < regions; row++) {
      const image = row < scenes[0]!.objects.length ? 0 : 1;
      const [own, other] = [image, 1 - image].map(i =>
        weights.data.subarray(row * 32 + 16 * i, row * 32 + 16 * (i + 1)),
      );
      expect(sumOf(own!)).to.be.closeTo(1, 1e-5);
      expect(new Set(other)).to.deep.equal(new Set([0]));
    }
  });

  it('are the same in used memory, in any order, and from a thread', async () => {
    const grid: RegionPlan = { ...plan, regions: 'grid', cropScale: 1 };
    const make = regionBatches(grid, silent);
    const fresh = await Promise.all(
      [1, 2, 3].map(async step => copied(await regionBatches(grid, silent)(step, undefined))),
    );
    let spare: readonly Values[] | undefined;
    for (const step of [3, 1, 2, 3]) {
      spare = await make(step, spare);
      expect(spare.map(({ shape }) => shape)).to.deep.equal(fresh[step - 1]!.map(({ shape }) => shape));
      for (const [i, { data }] of spare.entries()) expectClose(data, fresh[step - 1]![i]!.data, { maxAbs: 0 });
    }
    expect(new Set(fresh.map(([, crops]) => crops!.shape[0])).size, 'batches of several sizes').to.be.greaterThan(1);
    const source = clipselfBatches(grid, silent);
    try {
      for (const step of [2, 1]) {
        const batch = await source.batch(step);
        for (const [i, { data }] of batch.entries()) expectClose(data, fresh[step - 1]![i]!.data, { maxAbs: 0 });
        source.release!(batch);
      }
      expect(source.describe!(2)).to.equal('seed 5, scenes 2 to 3');
    } finally {
      await source.close();
    }
  });

  it('of files: any size and kind, padded black before normalisation; what cannot be read is told once and replaced', () =>
    inTemporaryFolder(async dir => {
      mkdirSync(join(dir, 'below'));
      await writePlain(join(dir, 'a.png'), 80, 40, 200);
      await writePlain(join(dir, 'below', 'b.jpg'), 1, 1, 100);
      writeFileSync(join(dir, 'c.png'), 'no picture');
      writeFileSync(join(dir, 'notes.txt'), 'no picture either');
      const pictures = findPictures(dir);
      expect(pictures.files).to.deep.equal(['a.png', 'below/b.jpg', 'c.png']);
      const { scenes: _, ...rest } = plan;
      const told: string[] = [];
      const make = regionBatches({ ...rest, regions: 'grid', cropScale: 1, batch: 1, pictures }, text =>
        told.push(text),
      );
      const plain = (level: number, width: number, height: number) => {
        const data = new Uint8Array(3 * 64 * 64);
        for (let y = 0; y < height; y++) data.fill(level, 3 * 64 * y, 3 * (64 * y + width));
        return preprocess(rgbPicture(64, 64, data), clipPreprocess(64));
      };
      const order = pictureOrder(3, 1, 5);
      const steps = [1, 2, 3, 4, 5, 6];
      expect(steps.slice(0, 3).flatMap(order).sort()).to.deep.equal([0, 1, 2]);
      for (const step of steps) {
        const [pixels, , weights] = await make(step, undefined);
        // The broken third is replaced by the one behind it, which is the first.
        const isSmall = order(step)[0] === 1;
        expectClose(pixels!.data, isSmall ? plain(100, 64, 64) : plain(200, 64, 32), { maxAbs: isSmall ? 0.1 : 0 });
        const rows = Array.from({ length: weights!.shape[0]! }, (_, i) => weights!.data.subarray(16 * i, 16 * (i + 1)));
        for (const row of rows) expect(sumOf(row)).to.be.closeTo(1, 1e-5);
      }
      expect(told).to.have.length(1);
      expect(told[0]).to.match(/c\.png: expected a PNG.*; the next picture is taken in its place/);
      const warned: string[] = [];
      const source = clipselfBatches({ ...rest, batch: 1, pictures }, text => warned.push(text));
      try {
        const step = steps.find(step => order(step)[0] === 2)!;
        expect(source.describe!(step)).to.equal('pictures c.png');
        await source.batch(step);
        expect(warned).to.deep.equal(told);
      } finally {
        await source.close();
      }
    }));

  it('give up where nothing can be read', () =>
    inTemporaryFolder(async dir => {
      for (const name of ['a.png', 'b.png']) writeFileSync(join(dir, name), '');
      const { scenes: _, ...rest } = plan;
      const make = regionBatches({ ...rest, pictures: findPictures(dir) }, silent);
      expect(await rejection(Promise.resolve(make(1, undefined)))).to.match(
        /none of 2 pictures in a row can be read: .*png/,
      );
    }));

  it('of boxes from a file: the pictures that it names, in its order', () =>
    inTemporaryFolder(async dir => {
      await writePlain(join(dir, 'a.png'), 80, 40, 200);
      await writePlain(join(dir, 'b.png'), 64, 64, 100);
      const file = join(dir, 'boxes.json');
      const images = [
        { id: 1, file_name: 'b.png' },
        { id: 2, file_name: 'a.png' },
      ];
      const write = (annotations: object[], more: object[] = []) =>
        writeFileSync(file, JSON.stringify({ images: [...images, ...more], annotations }));
      write([{ image_id: 2, bbox: [0, 0, 40, 40] }]);
      const pictures = findPictures(dir, file);
      expect(pictures.files).to.deep.equal(['b.png', 'a.png']);
      expect(stepsOfEpoch(pictures, 4)).to.equal(1);
      const { scenes: _, ...rest } = plan;
      const [, , weights] = await regionBatches({ ...rest, batch: 2, pictures }, silent)(1, undefined);
      // One box that is known, and the corner of a picture without any.
      expect(weights!.shape).to.deep.equal([2, 32]);
      const hash = hashPictures(pictures);
      write([{ image_id: 2, bbox: [0, 0, 40, 39] }]);
      expect(hashPictures(findPictures(dir, file))).to.not.equal(hash);
      write([], [{ id: 3, file_name: 'gone.png' }]);
      expect(() => hashPictures(findPictures(dir, file))).to.throw(/expected 'gone\.png' there.*it is missing/);
    }));

  it('need a folder with pictures', () =>
    inTemporaryFolder(async dir => {
      expect(() => findPictures(dir)).to.throw(/expected pictures .* found none/);
      expect(() => findPictures(join(dir, 'none'))).to.throw(/none: cannot be read/);
    }));
});

describe('pictureOrder', () => {
  it('sees every picture once an epoch, in an order of its own, the last step filled from the first', () => {
    const order = pictureOrder(10, 4, 1);
    const epochs = [0, 3, 6].map(before => [1, 2, 3].flatMap(step => order(before + step)));
    for (const epoch of epochs) {
      expect([...epoch.slice(0, 10)].sort((a, b) => a - b)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(epoch.slice(10)).to.deep.equal(epoch.slice(0, 2));
    }
    expect(new Set(epochs.map(String)).size).to.equal(3);
    expect(order(2)).to.deep.equal(epochs[0]!.slice(4, 8));
    expect(pictureOrder(3, 5, 1)(1)).to.have.length(5);
  });
});
