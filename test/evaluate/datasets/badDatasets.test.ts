/** What cannot be opened or read, each beside what can. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openDataset } from '../../../src/evaluate/datasets/openDataset.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { greyMap, image, paletteMap, type Tree, vocTree, wideMap, writeTree } from './fixtures.js';

const good = () => vocTree({ a: paletteMap([1]), b: paletteMap([2]) });

/** Opens and reads a good data set, then refuses it once `spoil` was done to it. */
async function expectRefusal(spoil: (dir: string) => unknown, message: RegExp, kind = 'voc21', tree: Tree = good()) {
  await inTemporaryFolder(async dir => {
    await writeTree(dir, tree);
    const readAll = async () => {
      const dataset = await openDataset(`${kind}:${dir}`);
      for (const i of dataset.ids.keys()) await dataset.read(i);
    };
    await readAll();
    await spoil(dir);
    expect((await rejection(readAll())).replaceAll(dir, 'DIR')).to.match(message);
  });
}

const put = (path: string, content: string | Uint8Array | Promise<Uint8Array>) => async (dir: string) =>
  writeFileSync(join(dir, path), await content);
const remove = (path: string) => (dir: string) => rmSync(join(dir, path), { recursive: true });
const val = 'ImageSets/Segmentation/val.txt';

describe('a bad specification', () => {
  it('of a data set', async () => {
    const refused: [string, RegExp][] = [
      ['', /^data set: expected KIND:PATH, got ''/],
      ['voc12:/data', /^data set: expected KIND:PATH, got 'voc12:\/data'; did you mean voc21, voc20/],
      ['/data/VOC2012', /^data set: expected KIND:PATH, got '\/data\/VOC2012'/],
      ['toString:x', /^data set: expected KIND:PATH/],
      ['voc21', /^voc21: expected a folder after the colon, got ''$/],
      ['ade20k:/no/such\nfolder', /expected a folder after the colon, got '\/no\/such\\u\{000a\}folder'$/],
    ];
    for (const [spec, message] of refused) expect(await rejection(openDataset(spec))).to.match(message);
  });
});

describe('a bad data set', () => {
  it('without its folders or its list', async () => {
    await expectRefusal(
      remove('JPEGImages'),
      /^voc21:DIR: expected images in JPEGImages, there or in VOC2012 or VOCdevkit\/VOC2012, got none$/,
    );
    await expectRefusal(
      remove('SegmentationClass'),
      /^voc21:DIR: expected label maps \(SegmentationClass\/\*\.png\) in DIR, got none$/,
    );
    await expectRefusal(
      remove(val),
      /^voc21:DIR: expected a list of its images, ImageSets\/Segmentation\/val\.txt in DIR, got none$/,
    );
  });

  it('with a list that is none', async () => {
    await expectRefusal(put(val, 'a\nb\na\n'), /val\.txt: line 3: the id 'a' stands in line 1 already$/);
    await expectRefusal(put(val, '\n \n'), /val\.txt: expected images, got none$/);
    await expectRefusal(put(val, 'a 1\n'), /val\.txt: line 1: expected the id of an image, got 'a 1'$/);
    await expectRefusal(put(val, '../../secret\n'), /val\.txt: line 1: expected the id of an image/);
    await expectRefusal(put(val, Uint8Array.of(97, 255)), /val\.txt: expected UTF-8 text$/);
    await expectRefusal(
      put(val, 'a'.repeat((16 << 20) + 1)),
      /val\.txt: expected a text file of at most 16 MiB, got 16777217 bytes$/,
    );
  });

  it('with an image or a label map missing', async () => {
    await expectRefusal(remove('JPEGImages/b.jpg'), /^DIR\/JPEGImages\/b\.jpg: the image is missing$/);
    await expectRefusal(
      remove('SegmentationClass/b.png'),
      /^DIR\/SegmentationClass\/b\.png: the label map of DIR\/JPEGImages\/b\.jpg is missing$/,
    );
  });

  it('with an image that comes twice', async () => {
    await expectRefusal(
      put('JPEGImages/b.png', image('.png')),
      /JPEGImages\/b\.png: the id 'b' is that of DIR\/JPEGImages\/b\.jpg too$/,
    );
  });

  it('with no images', async () => {
    const ade = {
      'images/validation/1.jpg': image(),
      'annotations/validation/1.png': greyMap([1]),
    };
    await expectRefusal(
      remove('images/validation/1.jpg'),
      /^DIR\/images\/validation: expected images, got none$/,
      'ade20k',
      ade,
    );
  });

  it('with a label map that does not suit', async () => {
    const map = 'SegmentationClass/b.png';
    await expectRefusal(put(map, image('.png')), /b\.png: expected a label map of class numbers.*got colours/);
    await expectRefusal(
      put(map, paletteMap([1], { width: 5, height: 3 })),
      /b\.png: expected the size of its image, 4 x 3, got 5 x 3$/,
    );
    await expectRefusal(
      put(map, paletteMap([0, 0, 21])),
      /b\.png: expected class numbers 0 to 20 or 255, got 21 at column 2, row 0$/,
    );
    await expectRefusal(put(map, ''), /b\.png: expected a PNG.*got an empty file$/);
  });

  it('with an image that cannot be read, the others can', async () => {
    await inTemporaryFolder(async dir => {
      await writeTree(dir, { ...good(), 'JPEGImages/a.jpg': (await image()).subarray(0, 200) });
      const dataset = await openDataset(`voc21:${dir}`);
      expect(await rejection(dataset.read(0))).to.match(/a\.jpg: the picture is cut short/);
      expect((await dataset.read(1)).labels[0]).to.equal(2);
      expect(await rejection(dataset.read(2))).to.match(/expected an image from 0 to 1, got 2$/);
    });
  });

  it('of Pascal Context whose numbers are not those that its first maps have', async () => {
    const ids = [...'abcdefghi'];
    const tree = (number: number): Tree => ({
      ...Object.fromEntries(
        ids.flatMap(id => [
          [`JPEGImages/${id}.jpg`, image()],
          [`SegmentationClassContext/${id}.png`, greyMap([number])],
        ]),
      ),
      'ImageSets/SegmentationContext/val.txt': ids.join('\n'),
    });
    const refuse = (number: number, map: string, content: string | Promise<Uint8Array>, message: RegExp) =>
      expectRefusal(put(`SegmentationClassContext/${map}.png`, content), message, 'context60', tree(number));
    await refuse(59, 'i', greyMap([60]), /i\.png: expected class numbers 0 to 59 or 255, got 60 at/);
    await refuse(59, 'i', wideMap([458]), /i\.png: expected a label map.*got grey of 16 bits$/);
    await refuse(60, 'a', wideMap([460]), /a\.png: expected class numbers 0 to 459, got 460 at/);
    // A map that cannot be read says nothing of the others.
    await refuse(59, 'a', 'labels', /a\.png: expected a PNG/);
  });

  it('with a bad list of classes', async () => {
    const names = 'classes.txt';
    await expectRefusal(put(names, 'red\nblue\n'), /b\.png: expected class numbers 0 to 1 or 255, got 2 at/);
    await expectRefusal(put(names, ''), /classes\.txt: expected at least one class name, got none$/);
    await expectRefusal(put(names, 'x\n'.repeat(255)), /classes\.txt: expected at most 254 classes, got 255$/);
    await expectRefusal(
      put(names, 'red\nblue\ngreen'),
      /classes\.txt: a folder with classes of its own is read as voc21:, coco-stuff:, ade20k:, got voc20:; or rename that file$/,
      'voc20',
    );
    await inTemporaryFolder(async dir => {
      await writeTree(dir, { ...good(), 'three.txt': 'a\nb\nc' });
      const file = join(dir, 'three.txt');
      expect(await rejection(openDataset(`voc21:${dir}`, { classesFile: file }))).to.equal(
        `${file}: expected the 21 classes of voc21:${dir}, got 3`,
      );
      expect(await rejection(openDataset('scenes:n=1', { classesFile: file }))).to.match(
        /expected the 14 classes of scenes:n=1, got 3$/,
      );
      expect(await rejection(openDataset('scenes:n=1', { classesFile: dir }))).to.match(
        /expected a file, got a directory$/,
      );
    });
  });
});
