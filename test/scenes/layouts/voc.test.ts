import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { vocPalette } from '../../../src/image/drawing/palette.js';
import { writeScenes } from '../../../src/scenes/layouts/index.js';
import { sceneClassNames } from '../../../src/scenes/world.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { contents, expectPicture, lines, readMap, truths } from './readers.js';

describe('scenes as Pascal VOC', () => {
  for (const [classes, size] of [
    ['colours', 96],
    ['things', 61],
  ] as const) {
    it(`${classes}: pictures, maps of classes and objects, boxes, lists`, () =>
      inTemporaryFolder(async dir => {
        const all = truths(3, 4, size, classes);
        await writeScenes(dir, { count: 4, seed: 3, classes, scene: { size } });
        const ids = ['000001', '000002', '000003', '000004'];
        for (const list of ['Segmentation', 'Main']) {
          expect(lines(join(dir, 'ImageSets', list, 'val.txt'))).to.deep.equal(ids);
        }
        expect(lines(join(dir, 'classes.txt'))).to.deep.equal(sceneClassNames(classes));
        expect(contents(dir).size).to.equal(4 * 4 + 4);
        for (const [i, id] of ids.entries()) {
          const { scene, canvas, labels, parts } = all[i]!;
          await expectPicture(join(dir, 'JPEGImages', `${id}.jpg`), all[i]!);
          const map = await readMap(join(dir, 'SegmentationClass', `${id}.png`), 'P');
          expect(map.data).to.deep.equal(labels);
          expect(map.palette!.rgb).to.deep.equal(vocPalette());
          const objects = await readMap(join(dir, 'SegmentationObject', `${id}.png`), 'P');
          expect(objects.data).to.deep.equal(canvas.instances);
          const xml = readFileSync(join(dir, 'Annotations', `${id}.xml`), 'utf8');
          const named = (name: string) => [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'g'))].map(m => m[1]);
          expect(named('filename')).to.deep.equal([`${id}.jpg`]);
          expect([named('width'), named('height')]).to.deep.equal([[String(size)], [String(size)]]);
          expect(named('name')).to.deep.equal(
            scene.objects.map(({ colour, shape }) => (classes === 'colours' ? colour : `${colour} ${shape}`)),
          );
          const boxes = ['xmin', 'ymin', 'xmax', 'ymax'].map(name => named(name).map(Number));
          parts.forEach(({ box: [left, top, width, height] }, k) => {
            expect(boxes.map(values => values[k])).to.deep.equal([left + 1, top + 1, left + width, top + height]);
          });
        }
      }));
  }
});
