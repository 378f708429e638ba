import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openRegions } from '../../../src/evaluate/regions/openRegions.js';
import { regionsOf, type SegmentedImage } from '../../../src/evaluate/regions/regionDataset.js';
import { sceneRegions } from '../../../src/evaluate/regions/scenes.js';
import { rgbPicture } from '../../../src/image/picture.js';
import { writeScenes } from '../../../src/scenes/layouts/index.js';
import { sceneClassKinds, sceneClassNames } from '../../../src/scenes/world.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { truths } from '../../scenes/layouts/readers.js';
import { samplePath } from '../datasets/fixtures.js';

/** Pixels of each segment. */
const areasOf = ({ map, segments }: SegmentedImage) => segments.map((_, i) => map.filter(n => n === i + 1).length);

describe('scenes as a data set of regions', () => {
  it('have their objects for things and their backgrounds for stuff', async () => {
    const dataset = openRegions('scenes:seed=9,n=4,classes=things');
    expect(dataset.classes.map(({ name }) => name)).to.deep.equal(sceneClassNames('things'));
    expect(dataset.classes.map(({ thing }) => thing)).to.deep.equal([...Array(80).fill(true), ...Array(6).fill(false)]);
    expect(dataset.vocabulary.queries).to.deep.equal(sceneClassNames('things'));
    for (const [i, { canvas, labels }] of truths(9, 4, 96, 'things').entries()) {
      const { id, picture, map, segments } = await dataset.read(i);
      expect(id).to.equal(dataset.ids[i]);
      expect(picture.data).to.deep.equal(canvas.pixels);
      expect(Uint8Array.from(map, n => segments[n - 1]!.label)).to.deep.equal(labels);
      for (const [s, { box, label }] of segments.entries()) {
        const columns = [...map.keys()].filter(p => map[p] === s + 1).map(p => p % 96);
        const edge = dataset.classes[label]!.thing ? 1 : 0;
        expect([box.left, box.right]).to.deep.equal([Math.min(...columns), Math.max(...columns) + edge]);
      }
    }
  });

  it('are drawn as the specification says', async () => {
    const { picture, segments } = await openRegions('scenes:seed=2,n=1,size=192,objects=4-5').read(0);
    expect(picture).to.include({ width: 192, height: 192 });
    expect(segments.length).to.be.within(5, 6);
    const same = await sceneRegions({ seed: 2, count: 1 }, { scenes: { size: 192, objects: [4, 5] } }).read(0);
    expect(same.picture.data).to.deep.equal(picture.data);
  });

  for (const classes of sceneClassKinds) {
    it(`are the same through COCO's panoptic files: ${classes}`, () =>
      inTemporaryFolder(async dir => {
        const set = join(dir, 'coco');
        await writeScenes(set, { count: 4, seed: 5, format: 'coco', classes });
        const drawn = openRegions(`scenes:seed=5,n=4,classes=${classes}`);
        for (const path of [set, dir]) {
          const written = openRegions(`coco-panoptic:${path}`);
          expect(written.classes).to.deep.equal(drawn.classes);
          expect(written.vocabulary).to.deep.equal(drawn.vocabulary);
          expect(written.ids).to.deep.equal(['1', '2', '3', '4']);
          for (const i of written.ids.keys()) {
            const [{ map, segments }, truth] = [await written.read(i), await drawn.read(i)];
            expect(map).to.deep.equal(truth.map);
            expect(segments).to.deep.equal(truth.segments);
          }
        }
      }));
  }
});

describe("a sample of COCO's panoptic images", () => {
  it('is read whole', async function () {
    const path = samplePath(this, 'coco');
    const dataset = openRegions(`coco-panoptic:${path}`);
    expect(dataset.ids).to.deep.equal(['142238', '139']);
    expect(dataset.classes).to.have.length(133);
    expect(dataset.classes.filter(({ thing }) => thing)).to.have.length(80);
    const asked = new Map(dataset.classes.map(({ name }, i) => [name, dataset.vocabulary.queries[i]]));
    for (const [name, spoken] of [
      ['person', 'person'],
      ['door-stuff', 'door'],
      ['wall-brick', 'wall brick'],
      ['wall-other-merged', 'wall'],
      ['grass-merged', 'grass'],
      ['window-other', 'window'],
    ]) {
      expect(asked.get(name!)).to.equal(spoken);
    }
    const file = JSON.parse(readFileSync(join(path, 'annotations/panoptic_val2017.json'), 'utf8'));
    for (const [i, id] of dataset.ids.entries()) {
      const image = await dataset.read(i);
      const { segments_info: info } = file.annotations.find((one: { image_id: number }) => String(one.image_id) === id);
      expect(areasOf(image)).to.deep.equal(info.map(({ area }: { area: number }) => area));
      for (const [s, { box, label }] of image.segments.entries()) {
        // Boxes of stuff end with their last pixel, as published, and those of things behind it.
        const edge = dataset.classes[label]!.thing ? 0 : 1;
        const [left, top, width, height] = info[s].bbox;
        expect(box).to.deep.equal({ left, top, right: left + width - edge, bottom: top + height - edge });
      }
      expect(regionsOf(image, dataset.classes), 'none is too small or too large').to.have.length(info.length);
    }
  });
});

describe('the regions that count', () => {
  const classes = [
    { name: 'cup', thing: true },
    { name: 'sky', thing: false },
  ];
  const imageOf = (boxes: readonly (readonly number[])[]): SegmentedImage => ({
    id: 'one',
    picture: rgbPicture(2000, 1500, new Uint8Array(2000 * 1500 * 3)),
    map: new Uint16Array(2000 * 1500),
    segments: boxes.map(([left, top, width, height, label]) => ({
      label: label!,
      box: { left: left!, top: top!, right: left! + width!, bottom: top! + height! },
    })),
  });

  it('are of 8^2 to 1024^2 pixels, and among the first hundred', () => {
    const sizes = [
      [0, 0, 8, 8, 0],
      [0, 0, 7, 9, 0],
      [0, 0, 1024, 1024, 1],
      [0, 0, 1025, 1024, 1],
      [0, 0, 2, 32, 1],
    ];
    expect(regionsOf(imageOf(sizes), classes).map(({ number }) => number)).to.deep.equal([1, 3, 5]);
    const many = Array.from({ length: 120 }, (_, i) => [0, 0, i < 5 ? 1 : 20, 20, 0]);
    const counted = regionsOf(imageOf(many), classes);
    expect([counted.length, counted[0]!.number, counted.at(-1)!.number]).to.deep.equal([95, 6, 100]);
    expect(regionsOf(imageOf([]), classes)).to.deep.equal([]);
  });

  it('are cropped half as large again where they are things, within the image', () => {
    const [thing, edge, stuff] = regionsOf(
      imageOf([
        [100, 200, 40, 60, 0],
        [0, 1480, 40, 20, 0],
        [100, 200, 40, 60, 1],
      ]),
      classes,
    );
    expect(thing!.crop).to.deep.equal({ left: 90, top: 185, right: 150, bottom: 275 });
    expect(edge!.crop).to.deep.equal({ left: 0, top: 1475, right: 50, bottom: 1500 });
    expect(stuff!.crop).to.deep.equal(stuff!.box);
  });
});

describe('a specification of regions', () => {
  it('is refused where it names none, or other settings', async () => {
    const refused: [string, RegExp][] = [
      ['voc21:x', /expected a data set of regions, got 'voc21:x'; known: coco-panoptic, scenes/],
      ['coco-panoptik:x', /did you mean coco-panoptic/],
      ['coco-panoptic', /expected a folder with annotations\/panoptic_val2017.json after the colon/],
      ['coco-panoptic:/nowhere', /expected a folder with/],
      ['scenes:n=0', /expected n as a whole number from 1/],
      ['scenes:n=2,size=4', /expected a size from 24 to 4096 pixels, got 4/],
      ['scenes:n=2,objects=5-2', /expected least and most objects from 1 to 6, got 5,2/],
      ['scenes:n=2,objects=some', /expected objects as a number or a range such as 2-5, got 'some'/],
    ];
    for (const [spec, says] of refused) {
      expect(await rejection((async () => openRegions(spec))()), spec).to.match(says);
    }
    const dataset = openRegions('scenes:n=2');
    for (const index of [-1, 2, 0.5]) {
      expect(await rejection(dataset.read(index))).to.match(/scenes:n=2: expected an image from 0 to 1/);
    }
  });
});
