import { expect } from 'chai';
import { openDataset } from '../../../src/evaluate/datasets/openDataset.js';
import { heldOutSeed } from '../../../src/evaluate/heldOut.js';
import { drawScene, sceneCanvas } from '../../../src/scenes/draw.js';
import { sceneLabels } from '../../../src/scenes/labels.js';
import { type SceneFormat, writeScenes } from '../../../src/scenes/layouts/index.js';
import { sceneAt } from '../../../src/scenes/scene.js';
import { sceneClassKinds, sceneClassNames } from '../../../src/scenes/world.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { truths } from '../../scenes/layouts/readers.js';

const kindOf = { voc: 'voc21', coco: 'coco-stuff', ade: 'ade20k' } as const satisfies Record<SceneFormat, string>;

describe('scenes as a data set', () => {
  it('are drawn when they are read', async () => {
    const dataset = await openDataset('scenes:seed=9,n=3,classes=shapes');
    expect(dataset).to.include({ spec: 'scenes:seed=9,n=3,classes=shapes', kind: 'scenes', background: false });
    expect(dataset.setting).to.equal(undefined);
    expect(dataset.classes).to.deep.equal(sceneClassNames('shapes'));
    expect(dataset.vocabulary('sclip').queries).to.deep.equal(sceneClassNames('shapes'));
    expect(dataset.ids).to.deep.equal(['000001', '000002', '000003']);
    for (const [i, { canvas, labels }] of truths(9, 3, 96, 'shapes').entries()) {
      const read = await dataset.read(i);
      expect(read.id).to.equal(dataset.ids[i]);
      expect(read.picture).to.include({ width: 96, height: 96, mode: 'RGB' });
      expect(read.picture.data).to.deep.equal(canvas.pixels);
      expect(read.labels).to.deep.equal(labels);
    }
  });

  it('are those of held-out seeds and colours unless told otherwise', async () => {
    const [short, long] = [
      await openDataset('scenes:n=2'),
      await openDataset(`scenes:classes=colours,n=2,seed=${heldOutSeed}`),
    ];
    expect(short.classes).to.deep.equal(sceneClassNames('colours'));
    expect(short.fingerprint).to.equal(long.fingerprint);
    expect((await short.read(1)).labels).to.deep.equal((await long.read(1)).labels);
    const others = ['scenes:n=3', 'scenes:n=2,seed=1', 'scenes:n=2,classes=shapes'];
    for (const other of others) expect((await openDataset(other)).fingerprint).to.not.equal(short.fingerprint);
  });

  it('are drawn as large and as full as they are told', async () => {
    const [usual, drawn] = [
      await openDataset('scenes:seed=2,n=1'),
      await openDataset('scenes:seed=2,n=1,size=64,objects=4-5'),
    ];
    const scene = sceneAt(2, 0, { size: 64, objects: [4, 5] });
    const canvas = sceneCanvas(64);
    drawScene(scene, canvas);
    const read = await drawn.read(0);
    expect(read.picture).to.include({ width: 64, height: 64 });
    expect(read.picture.data).to.deep.equal(canvas.pixels);
    expect(read.labels).to.deep.equal(sceneLabels(scene, canvas, 'colours'));
    expect(drawn.fingerprint).to.not.equal(usual.fingerprint);
    expect((await openDataset('scenes:seed=2,n=1,objects=3')).fingerprint).to.not.equal(usual.fingerprint);
  });

  for (const classes of sceneClassKinds) {
    it(`have the same labels through VOC, COCO and ADE20K: ${classes}`, () =>
      inTemporaryFolder(async dir => {
        const count = 4;
        const drawn = await openDataset(`scenes:seed=5,n=${count},classes=${classes}`);
        const pixels: Uint8Array[][] = [];
        for (const [format, kind] of Object.entries(kindOf) as [SceneFormat, string][]) {
          await writeScenes(`${dir}/${format}`, { count, seed: 5, format, classes });
          const dataset = await openDataset(`${kind}:${dir}/${format}`);
          expect(dataset).to.include({ kind, background: false });
          expect(dataset.setting).to.equal(undefined);
          expect(dataset.classes).to.deep.equal(drawn.classes);
          expect(dataset.vocabulary('maskclip')).to.deep.equal(drawn.vocabulary('maskclip'));
          expect(dataset.ids).to.have.length(count);
          const read = await Promise.all(dataset.ids.map((_, i) => dataset.read(i)));
          for (const [i, { labels }] of read.entries()) expect(labels).to.deep.equal((await drawn.read(i)).labels);
          pixels.push(read.map(({ picture }) => picture.data as Uint8Array));
        }
        expect(pixels[1]).to.deep.equal(pixels[0]);
        expect(pixels[2]).to.deep.equal(pixels[0]);
      }));
  }

  it('refuse other settings', async () => {
    const refused: [string, string][] = [
      ['scenes:', "scenes:: expected settings such as seed=1,n=512, got ''"],
      ['scenes', "scenes: expected settings such as seed=1,n=512, got ''"],
      ['scenes:seed=1', "scenes:seed=1: expected n as a whole number from 1 to 1000000, got ''"],
      ['scenes:n=0', "expected n as a whole number from 1 to 1000000, got '0'"],
      ['scenes:n=1e3', "got '1e3'"],
      ['scenes:n=1000001', "got '1000001'"],
      ['scenes:n=2,seed=-1', "expected seed as a whole number from 0 to 9007199254740991, got '-1'"],
      ['scenes:n=2,n=3', 'expected n once, got it twice'],
      ['scenes:n=2,sed=3', "got 'sed=3'; did you mean seed?"],
      ['scenes:n=2,size=9', 'expected a size from 24 to 4096 pixels, got 9'],
      ['scenes:n=2,objects=2to5', "expected objects as a number or a range such as 2-5, got '2to5'"],
      ['scenes:n=2,objects=7', 'expected least and most objects from 1 to 6, got 7,7'],
      ['scenes:n=2,classes=colors', "expected known classes, got 'colors'; did you mean colours?"],
    ];
    for (const [spec, message] of refused) expect(await rejection(openDataset(spec))).to.include(message);
    const dataset = await openDataset('scenes:n=2');
    for (const index of [-1, 2, 0.5]) {
      expect(await rejection(dataset.read(index))).to.equal(`scenes:n=2: expected an image from 0 to 1, got ${index}`);
    }
  });
});
