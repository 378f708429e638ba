/** Real photos with labels, which may not be passed on: where they are not at hand, these tests are skipped. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkDataset } from '../../../src/evaluate/datasets/checkDataset.js';
import type { Dataset, LabelledImage } from '../../../src/evaluate/datasets/dataset.js';
import { openDataset } from '../../../src/evaluate/datasets/openDataset.js';
import { readPicture } from '../../../src/image/decode.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { samplePath } from './fixtures.js';

/** Opens what must be without fault, and reads it. */
async function readAll(spec: string): Promise<[Dataset, LabelledImage[]]> {
  const dataset = await openDataset(spec);
  const read: LabelledImage[] = [];
  for (const i of dataset.ids.keys()) {
    const image = await dataset.read(i);
    expect(image.labels.length).to.equal(image.picture.width * image.picture.height);
    read.push(image);
  }
  expect((await checkDataset(spec)).findings).to.deep.equal([]);
  return [dataset, read];
}

const labelsIn = (labels: Uint8Array) => [...new Set(labels)].sort((a, b) => a - b);
const lines = (path: string) => readFileSync(path, 'utf8').trimEnd().split(/\r?\n/);

describe('samples of published data sets', () => {
  it('Pascal VOC', async function () {
    const path = samplePath(this, 'voc2012');
    const [dataset, read] = await readAll(`voc21:${path}`);
    expect(dataset.ids).to.deep.equal(['2011_000003', '2011_000025']);
    expect(read.map(({ labels }) => labelsIn(labels))).to.deep.equal([
      [0, 5, 15, 255],
      [0, 6, 7],
    ]);
    // A bottle, a person; a bus, a car. The names in the sample's own list differ in writing alone.
    expect([5, 15, 6, 7].map(label => dataset.classes[label])).to.deep.equal(['bottle', 'person', 'bus', 'car']);
    const names = lines(join(path, 'class_names.txt'));
    expect([1, 9, 20].map(label => [dataset.classes[label], names[label]])).to.deep.equal([
      ['aeroplane', 'aeroplane'],
      ['chair', 'chair'],
      ['tvmonitor', 'tv/monitor'],
    ]);
    const [, without] = await readAll(`voc20:${path}`);
    expect(without.map(({ labels }) => labelsIn(labels))).to.deep.equal([
      [4, 14, 255],
      [5, 6, 255],
    ]);
  });

  it('palettes of 4 bits', async function () {
    const path = samplePath(this, 'palette-4bit');
    await inTemporaryFolder(async dir => {
      const [images, maps, lists] = ['JPEGImages', 'SegmentationClass', 'ImageSets/Segmentation'].map(name =>
        join(dir, name),
      );
      for (const folder of [images!, maps!, lists!]) mkdirSync(folder, { recursive: true });
      const ids = lines(join(path, 'splits/val.txt'));
      for (const id of ids) {
        copyFileSync(join(path, 'imgs', `${id}_img.jpg`), join(images!, `${id}.jpg`));
        copyFileSync(join(path, 'gts', `${id}_gt.png`), join(maps!, `${id}.png`));
      }
      writeFileSync(join(lists!, 'val.txt'), ids.join('\n'));
      const [, read] = await readAll(`voc21:${dir}`);
      expect(labelsIn(Uint8Array.from(read.flatMap(({ labels }) => [...labels])))).to.deep.equal([0, 1, 2]);
    });
  });

  it('ADE20K, as the full index has it', async function () {
    const path = samplePath(this, 'ade20k');
    const full = samplePath(this, 'ade20k-full');
    const [dataset, read] = await readAll(`ade20k:${path}`);
    expect(dataset.ids).to.deep.equal(['ADE_val_00000001', 'ADE_val_00000002']);
    // Objects of the full index have red / 10 x 256 + green; a table says which of the 150 they are.
    const classOf = new Map(
      lines(join(full, 'mapFromADE.txt')).map(line => {
        const [label, object] = line.trim().split(/\s+/).map(Number);
        return [object!, label! - 1];
      }),
    );
    const { width: fullWidth, height: fullHeight, data } = await readPicture(join(full, 'ADE_val_00000001_seg.png'));
    const {
      labels,
      picture: { width, height },
    } = read[0]!;
    const expected = labels.map((_, i) => {
      const x = Math.floor(((i % width) + 0.5) * (fullWidth / width));
      const y = Math.floor((Math.floor(i / width) + 0.5) * (fullHeight / height));
      const at = 3 * (y * fullWidth + x);
      return classOf.get(Math.floor(data[at]! / 10) * 256 + data[at + 1]!) ?? 255;
    });
    expect(labels).to.deep.equal(expected);
  });

  it('COCO-Stuff and COCO-Object, nearly as the panoptic map has the things', async function () {
    const path = samplePath(this, 'coco-stuff');
    const panoptic = samplePath(this, 'coco/annotations');
    const [stuff, stuffRead] = await readAll(`coco-stuff:${path}`);
    const [objects, objectsRead] = await readAll(`coco-object:${path}`);
    expect(stuff.ids).to.deep.equal(lines(join(path, 'imageLists/val.txt')));
    expect(objects.ids).to.deep.equal(stuff.ids);

    const { categories, annotations } = JSON.parse(readFileSync(join(panoptic, 'panoptic_val2017.json'), 'utf8'));
    // Things are classes in the order of their ids.
    const things: number[] = categories.flatMap(({ id, isthing }: { id: number; isthing: number }) =>
      isthing ? [id] : [],
    );
    things.sort((one, other) => one - other);
    const { segments_info: segments } = annotations.find((one: { image_id: number }) => one.image_id === 139);
    const { data } = await readPicture(join(panoptic, 'panoptic_val2017/000000000139.png'));
    const classOf = new Map<number, number>();
    for (const { id, category_id } of segments) classOf.set(id, things.indexOf(category_id));
    let [pixels, asStuff, asObject] = [0, 0, 0];
    for (let i = 0; i < data.length / 3; i++) {
      const thing = classOf.get(data[3 * i]! + 256 * data[3 * i + 1]! + 65536 * data[3 * i + 2]!) ?? -1;
      if (thing < 0) continue;
      pixels++;
      asStuff += Number(stuffRead[0]!.labels[i] === thing);
      asObject += Number(objectsRead[0]!.labels[i] === thing + 1);
    }
    expect(pixels).to.be.greaterThan(10_000);
    expect(asStuff / pixels).to.be.closeTo(0.993, 0.0006);
    expect(asObject).to.equal(asStuff);
    for (const [i, { labels }] of stuffRead.entries()) {
      expect(objectsRead[i]!.labels).to.deep.equal(labels.map(label => (label < 80 ? label + 1 : 0)));
    }
  });

  it('maps of colours are refused', async function () {
    const full = samplePath(this, 'ade20k-full');
    await inTemporaryFolder(async dir => {
      for (const folder of ['images/validation', 'annotations/validation'])
        mkdirSync(join(dir, folder), { recursive: true });
      const photo = join(samplePath(this, 'ade20k'), 'ADEChallengeData2016/images/validation/ADE_val_00000001.jpg');
      copyFileSync(photo, join(dir, 'images/validation/ADE_val_00000001.jpg'));
      copyFileSync(join(full, 'ADE_val_00000001_seg.png'), join(dir, 'annotations/validation/ADE_val_00000001.png'));
      expect(readdirSync(join(dir, 'images/validation'))).to.have.length(1);
      expect(await rejection((await openDataset(`ade20k:${dir}`)).read(0))).to.match(/got colours \(RGB\)$/);
    });
  });
});
