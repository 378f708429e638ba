/** Panoptic annotations that are broken, inconsistent or hostile. */
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openRegions } from '../../../src/evaluate/regions/openRegions.js';
import { encodePicture } from '../../../src/image/encode.js';
import { type Picture, rgbPicture } from '../../../src/image/picture.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';

const [width, height] = [20, 16];

/** A map whose left half is segment 7 and whose right half is segment 66051 (1, 2, 3 from the highest byte). */
const colours = Uint8Array.from({ length: 3 * width * height }, (_, i) =>
  Math.floor(i / 3) % width < width / 2 ? [7, 0, 0][i % 3]! : [3, 2, 1][i % 3]!,
);

const good = () => ({
  info: { year: 2018 },
  images: [{ id: 5, file_name: 'a.png', width, height, license: 1 }],
  annotations: [
    {
      image_id: 5,
      file_name: 'a.png',
      segments_info: [
        { id: 7, category_id: 90, bbox: [0, 0, 10, 16], area: 160, iscrowd: 1 },
        { id: 66051, category_id: 3, bbox: [10, 0, 10, 16], area: 160, iscrowd: 0 },
      ],
    },
  ],
  categories: [
    { id: 90, name: 'person', isthing: 1, supercategory: 'person' },
    { id: 3, name: 'sky-other-merged', isthing: 0 },
  ],
});

type Panoptic = ReturnType<typeof good>;

async function write(dir: string, json: unknown = good()): Promise<void> {
  for (const folder of ['annotations/panoptic_val2017', 'val2017']) mkdirSync(join(dir, folder), { recursive: true });
  const text = typeof json === 'string' ? json : JSON.stringify(json);
  writeFileSync(join(dir, 'annotations/panoptic_val2017.json'), text);
  const png = await encodePicture(rgbPicture(width, height, colours), '.png');
  for (const folder of ['annotations/panoptic_val2017', 'val2017']) writeFileSync(join(dir, folder, 'a.png'), png);
}

const opened = (dir: string) => rejection((async () => openRegions(`coco-panoptic:${dir}`))());

/** What is said of annotations that are changed. */
const changed: [what: string, change: (json: Panoptic) => unknown, says: RegExp][] = [
  ['no JSON', () => '{"images": [', /panoptic_val2017\.json: images: expected an object, got the end of the text/],
  ['an array', () => '[]', /panoptic_val2017\.json: expected an object, got '\[\]'/],
  ['text behind it', json => `${JSON.stringify(json)} {}`, /expected the end of the text/],
  ['a key twice', () => '{"images": [], "images": []}', /expected each key once/],
  ['no categories', ({ categories: _, ...rest }) => rest, /expected panoptic annotations with categories before this/],
  ['instances in place of segments', json => ({ ...json, annotations: [{ id: 1, image_id: 5 }] }), /segments_info/],
  ['no images', json => ({ ...json, images: [], annotations: [] }), /expected images, got none/],
  ['an image twice', json => ({ ...json, images: [...json.images, ...json.images] }), /image 5 is there twice/],
  ['an image without annotation', json => ({ ...json, annotations: [] }), /image 5 \('a\.png'\) has no annotation/],
  [
    'an annotation without image',
    json => ({ ...json, images: [{ ...json.images[0]!, id: 6 }] }),
    /image 5 belongs to no/,
  ],
  [
    'a fraction for an id',
    json => ({ ...json, images: [{ ...json.images[0]!, id: 5.5 }] }),
    /plain non-negative integer/,
  ],
  [
    'a category twice',
    json => ({ ...json, categories: [...json.categories, ...json.categories] }),
    /category 90 is there/,
  ],
  ['a category half a thing', json => ({ ...json, categories: [{ id: 3, name: 'x', isthing: 2 }] }), /expected 0 or 1/],
  [
    'a category without a name',
    json => ({ ...json, categories: json.categories.map(one => ({ ...one, name: ' ' })) }),
    /is empty/,
  ],
];

/** What is said of a changed segment, beside the file and the image. */
const changedSegment: [change: Record<string, unknown>, says: RegExp][] = [
  [{ id: 0 }, /image 5: segment 0: expected an id from 1 to 16777215, got 0/],
  [{ id: 2 ** 24 }, /expected an id from 1 to 16777215/],
  [{ id: 66051 }, /image 5: segment 66051 is there twice/],
  [{ category_id: 4 }, /segment 7: expected a category of the file, got 4/],
  [{ bbox: [0, 0, 10] }, /expected bbox as \[left, top, width, height\] within 20 x 16 pixels, got \[0,0,10\]/],
  [{ bbox: [0, 0, 10, 0] }, /within 20 x 16 pixels, got \[0,0,10,0\]/],
  [{ bbox: [0, 0, -5, -5] }, /got \[0,0,-5,-5\]/],
  [{ bbox: [-1, 0, 10, 16] }, /got \[-1,0,10,16\]/],
  [{ bbox: [11, 0, 10, 16] }, /got \[11,0,10,16\]/],
  [{ bbox: ['0', 0, 10, 16] }, /segments_info: bbox: expected a number/],
];

const outside = [
  '../a.png',
  '/etc/passwd',
  'b/../../a.png',
  'c:\\a.png',
  '..\\a.png',
  '',
  '.',
  'b//a.png',
  'a\u0000.png',
];

describe("broken files of COCO's panoptic images", () => {
  it('are told from good ones, crowds among them', () =>
    inTemporaryFolder(async dir => {
      await write(dir);
      const dataset = openRegions(`coco-panoptic:${dir}`);
      expect(dataset.classes).to.deep.equal([
        { name: 'sky-other-merged', thing: false },
        { name: 'person', thing: true },
      ]);
      const { id, segments, map } = await dataset.read(0);
      expect(id).to.equal('5');
      expect(segments).to.deep.equal([
        { label: 1, box: { left: 0, top: 0, right: 10, bottom: 16 } },
        { label: 0, box: { left: 10, top: 0, right: 19, bottom: 15 } },
      ]);
      expect([map[0], map[width - 1]]).to.deep.equal([1, 2]);
    }));

  it('are refused when they are opened: what the JSON says', () =>
    inTemporaryFolder(async dir => {
      for (const [what, change, says] of changed) {
        await write(dir, change(good()));
        expect(await opened(dir), what).to.match(says);
      }
      for (const [change, says] of changedSegment) {
        const json = good();
        Object.assign(json.annotations[0]!.segments_info[0]!, change);
        await write(dir, json);
        expect(await opened(dir), JSON.stringify(change)).to.match(says);
      }
      for (const file_name of outside) {
        for (const where of ['images', 'annotations'] as const) {
          const json = good();
          json[where][0]!.file_name = file_name;
          await write(dir, json);
          expect(await opened(dir), file_name).to.match(/file_name: expected the name of a file in its folder, got '/);
        }
      }
    }));

  it('are refused when they are opened: folders that are not there', () =>
    inTemporaryFolder(async dir => {
      await write(dir);
      rmSync(join(dir, 'val2017'), { recursive: true });
      expect(await opened(dir)).to.match(/expected images in val2017 or images\/val2017 of .*, found no such folder/);
      await write(dir);
      rmSync(join(dir, 'annotations/panoptic_val2017'), { recursive: true });
      expect(await opened(dir)).to.match(/expected maps of segments in annotations\/panoptic_val2017 or/);
    }));

  it('are refused when they are read: images and maps', () =>
    inTemporaryFolder(async dir => {
      const map = join(dir, 'annotations/panoptic_val2017/a.png');
      const image = join(dir, 'val2017/a.png');
      const cases: [what: string, spoil: () => Promise<void> | void, says: RegExp][] = [
        ['no map', () => rmSync(map), /panoptic_val2017\/a\.png: the map of segments of .*val2017\/a\.png is missing/],
        ['no image', () => rmSync(image), /val2017\/a\.png: the image is missing/],
        ['a map cut short', () => truncateSync(map, 60), /panoptic_val2017\/a\.png: the picture is cut short/],
        ['no picture', () => writeFileSync(map, 'text'), /panoptic_val2017\/a\.png: /],
        ['a JPEG', () => replace(map, rgbPicture(width, height, colours), '.jpg'), /as PNG, got JPEG/],
        ['a grey map', () => replace(map, { ...grey(), mode: 'L' }), /expected a map of segments in 8-bit RGB/],
        ['a smaller map', () => replace(map, blank(10, 16)), /expected the size of its image, 20 x 16, got 10 x 16/],
        ['another image', () => replace(image, blank(16, 20)), /expected 20 x 16 pixels as annotated, got 16 x 20/],
        [
          'a segment more',
          () => replace(map, spotted(9)),
          /expected segments that are annotated, got 9 at column 3, row 0/,
        ],
        [
          'a segment less',
          () => replace(map, blank(20, 16, 7)),
          /expected pixels of the annotated segment 66051, found/,
        ],
      ];
      for (const [what, spoil, says] of cases) {
        await write(dir);
        await spoil();
        expect(await rejection(openRegions(`coco-panoptic:${dir}`).read(0)), what).to.match(says);
      }
      await write(dir);
      await replace(map, spotted(0));
      expect((await openRegions(`coco-panoptic:${dir}`).read(0)).map[3], 'a pixel of nothing').to.equal(0);
    }));
});

const grey = (): Picture => ({ ...blank(width, height), data: new Uint8Array(width * height) });

/** One colour everywhere, whose red is given. */
const blank = (w: number, h: number, red = 0): Picture =>
  rgbPicture(
    w,
    h,
    Uint8Array.from({ length: 3 * w * h }, (_, i) => (i % 3 === 0 ? red : 0)),
  );

/** The good map with one pixel of another segment. */
function spotted(id: number): Picture {
  const data = colours.slice();
  data.set([id, 0, 0], 9);
  return rgbPicture(width, height, data);
}

async function replace(path: string, picture: Picture, extension = '.png'): Promise<void> {
  writeFileSync(path, await encodePicture(picture, extension));
}
