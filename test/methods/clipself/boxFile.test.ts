import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type BoxTable, readBoxes } from '../../../src/methods/clipself/boxFile.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';

const images = [
  { id: 7, file_name: 'a.png', width: 20 },
  { id: 3, file_name: 'b/c.jpg' },
  { id: 4, file_name: 'd.jpg' },
];
const annotations = [
  { id: 1, image_id: 4, bbox: [1, 2, 3.5, 4] },
  { id: 2, image_id: 7, bbox: [5, 6, 7, 8], iscrowd: 0, segmentation: [[1, 2]] },
  { id: 3, image_id: 4, bbox: [-1, -2, 30, 40] },
];

async function read(content: unknown): Promise<BoxTable> {
  let table: BoxTable | undefined;
  await inTemporaryFolder(async dir => {
    const path = join(dir, 'boxes.json');
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    table = readBoxes(path);
  });
  return table!;
}

describe('readBoxes', () => {
  it('puts the boxes of each picture together', async () => {
    const { files, starts, boxes } = await read({ info: {}, images, annotations, categories: [] });
    expect(files).to.deep.equal(['a.png', 'b/c.jpg', 'd.jpg']);
    expect([...starts]).to.deep.equal([0, 1, 1, 3]);
    expect([...boxes]).to.deep.equal([5, 6, 7, 8, 1, 2, 3.5, 4, -1, -2, 30, 40]);
  });

  const first = images[0]!;
  const bad: [what: string, content: unknown, message: RegExp][] = [
    ['no JSON', 'boxes', /boxes\.json: expected an object/],
    ['no pictures', { images: [], annotations }, /expected pictures under 'images', got none/],
    ['no annotations', { images }, /annotations with annotations before this/],
    ['an id twice', { images: [first, { ...first, file_name: 'b' }], annotations: [] }, /got id 7 twice/],
    ['a picture twice', { images: [first, { ...first, id: 8 }], annotations: [] }, /got 'a\.png' twice/],
    [
      'a box of nothing',
      { images, annotations: [{ image_id: 5, bbox: [1, 2, 3, 4] }] },
      /a box is of image 5, which is none/,
    ],
    [
      'three numbers',
      { images, annotations: [{ image_id: 7, bbox: [1, 2, 3] }] },
      /bbox: expected left, top, width and height.*got '\[1,2,3\]'/,
    ],
    ['a negative side', { images, annotations: [{ image_id: 7, bbox: [1, 2, -3, 4] }] }, /expected left, top, width/],
    [
      'an endless side',
      `{"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 1, "bbox": [0, 0, 1e999, 1]}]}`,
      /expected left, top, width/,
    ],
    [
      'a way out',
      { images: [{ ...first, file_name: '../a.png' }], annotations },
      /expected the name of a file in its folder, got '\.\.\/a\.png'/,
    ],
    ['a name from the root', { images: [{ ...first, file_name: '/etc/a.png' }], annotations }, /file in its folder/],
    ['rubbish behind', `${JSON.stringify({ images, annotations })}]`, /expected the end of the text/],
  ];
  for (const [what, content, message] of bad) {
    it(`refuses ${what}`, async () => {
      expect(await rejection(read(content))).to.match(message);
    });
  }
});
