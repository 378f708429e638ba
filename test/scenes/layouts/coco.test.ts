import { join } from 'node:path';
import { expect } from 'chai';
import { sceneCaption } from '../../../src/scenes/caption.js';
import { writeScenes } from '../../../src/scenes/layouts/index.js';
import { sceneClassNames } from '../../../src/scenes/world.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { contents, decodeRunLengths, expectPicture, json, lines, readMap, truths } from './readers.js';

interface Annotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly area: number;
  readonly bbox: readonly number[];
  readonly iscrowd: number;
  readonly segmentation: { readonly size: [number, number]; readonly counts: string };
}

type Segment = Pick<Annotation, 'id' | 'category_id' | 'area' | 'bbox' | 'iscrowd'>;

const size = 80;
const count = 4;
const all = truths(5, count, size, 'things');
const names = sceneClassNames('things');
const ids = [1, 2, 3, 4].map(number => String(number).padStart(12, '0'));

describe('scenes as COCO', () => {
  const written = (check: (dir: string) => void | Promise<void>) => () =>
    inTemporaryFolder(async dir => {
      await writeScenes(dir, { count, seed: 5, format: 'coco', classes: 'things', scene: { size } });
      await check(dir);
    });
  const annotations = (dir: string, kind: string) => json(join(dir, 'annotations', `${kind}_val2017.json`));
  const categories = names.map((name, i) => ({ id: i + 1, name, supercategory: i < 80 ? 'object' : 'background' }));

  it(
    'pictures, lists of them, and grey maps of classes',
    written(async dir => {
      expect(contents(dir).size).to.equal(3 * count + 5);
      expect(lines(join(dir, 'classes.txt'))).to.deep.equal(names);
      const images = ids.map((id, i) => ({ id: i + 1, file_name: `${id}.jpg`, width: size, height: size }));
      for (const kind of ['instances', 'captions', 'panoptic']) {
        expect(annotations(dir, kind).images).to.deep.equal(images);
      }
      for (const [i, id] of ids.entries()) {
        await expectPicture(join(dir, 'val2017', `${id}.jpg`), all[i]!);
        const { data } = await readMap(join(dir, 'stuffthingmaps', 'val2017', `${id}.png`), 'L');
        expect(data).to.deep.equal(all[i]!.labels);
      }
    }),
  );

  it(
    'instances, whose run lengths are the masks',
    written(dir => {
      const { annotations: found, categories: known } = annotations(dir, 'instances') as {
        annotations: Annotation[];
        categories: object[];
      };
      expect(known).to.deep.equal(categories.slice(0, 80));
      expect(found.map(({ id }) => id)).to.deep.equal(found.map((_, i) => i + 1));
      all.forEach(({ scene, canvas, labels, parts }, i) => {
        const own = found.filter(({ image_id }) => image_id === i + 1);
        expect(own).to.have.length(scene.objects.length);
        own.forEach(({ segmentation, area, bbox, category_id, iscrowd }, k) => {
          const mask = decodeRunLengths(segmentation);
          expect(segmentation.size).to.deep.equal([size, size]);
          expect(mask).to.deep.equal(canvas.instances.map(instance => Number(instance === k + 1)));
          expect({ area, box: bbox, iscrowd }).to.deep.equal({ ...parts[k], iscrowd: 0 });
          expect(category_id).to.equal(labels[mask.indexOf(1)]! + 1);
        });
      });
    }),
  );

  it(
    'panoptic segments that agree with their maps',
    written(async dir => {
      const { annotations: found, categories: known } = annotations(dir, 'panoptic') as {
        annotations: { image_id: number; file_name: string; segments_info: Segment[] }[];
        categories: object[];
      };
      expect(known).to.deep.equal(categories.map((category, i) => ({ ...category, isthing: Number(i < 80) })));
      expect(found.map(({ image_id }) => image_id)).to.deep.equal([1, 2, 3, 4]);
      for (const [i, { file_name, segments_info }] of found.entries()) {
        const { data } = await readMap(join(dir, 'annotations', 'panoptic_val2017', file_name), 'RGB');
        const segments = Array.from(
          { length: size * size },
          (_, p) => data[3 * p]! + 256 * data[3 * p + 1]! + 65536 * data[3 * p + 2]!,
        );
        expect(new Set(segments)).to.deep.equal(new Set(segments_info.map(({ id }) => id)));
        for (const { id, category_id, area, bbox } of segments_info) {
          const own = [...segments.keys()].filter(p => segments[p] === id);
          expect(own).to.have.length(area);
          expect(new Set(own.map(p => all[i]!.labels[p]! + 1))).to.deep.equal(new Set([category_id]));
          const [xs, ys] = [own.map(p => p % size), own.map(p => Math.floor(p / size))];
          const [left, top] = [Math.min(...xs), Math.min(...ys)];
          expect(bbox).to.deep.equal([left, top, Math.max(...xs) - left + 1, Math.max(...ys) - top + 1]);
        }
      }
    }),
  );

  it(
    'five captions a picture',
    written(dir => {
      expect(annotations(dir, 'captions').annotations).to.deep.equal(
        all.flatMap(({ scene }, i) =>
          [0, 1, 2, 3, 4].map(draw => ({ id: 5 * i + draw + 1, image_id: i + 1, caption: sceneCaption(scene, draw) })),
        ),
      );
    }),
  );
});
