import { join } from 'node:path';
import { expect } from 'chai';
import { checkDataset } from '../../../src/evaluate/datasets/checkDataset.js';
import { openDataset } from '../../../src/evaluate/datasets/openDataset.js';
import { encodePicture } from '../../../src/image/encode.js';
import { writeScenes } from '../../../src/scenes/layouts/index.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { greyMap, image, paletteMap, type Tree, vocTree, writeTree } from './fixtures.js';

/** Every finding of a data set of these files, as `file: problem` below its folder. */
async function findings(kind: string, tree: Tree): Promise<string[]> {
  let found: string[] = [];
  await inTemporaryFolder(async dir => {
    await writeTree(dir, tree);
    const check = await checkDataset(`${kind}:${dir}`);
    found = check.findings.map(({ file, problem }) => `${file}: ${problem}`.replaceAll(`${dir}/`, ''));
    for (const line of found) expect(line).to.not.match(/\n/);
  });
  return found;
}

describe('checking a data set', () => {
  it('finds nothing where there is nothing, and says how far it is', () =>
    inTemporaryFolder(async dir => {
      for (const format of ['voc', 'coco', 'ade'] as const) {
        await writeScenes(`${dir}/${format}`, { count: 3, format });
        const kind = { voc: 'voc21', coco: 'coco-stuff', ade: 'ade20k' }[format];
        const seen: number[][] = [];
        const spec = `${kind}:${dir}/${format}`;
        const check = await checkDataset(spec, { onProgress: (...counts) => seen.push(counts) });
        expect(check).to.deep.equal({ spec, kind, images: 3, findings: [] });
        expect(seen).to.deep.equal([
          [1, 3],
          [2, 3],
          [3, 3],
        ]);
      }
      expect(await checkDataset('scenes:n=5')).to.deep.equal({
        ...{ spec: 'scenes:n=5', kind: 'scenes' },
        ...{ images: 5, findings: [] },
      });
    }));

  it('finds all that is wrong and does not stop at the first', async () => {
    const jpeg = await image();
    const png = await image('.png');
    const flipped = Uint8Array.from(png, (byte, i) => (i === png.length - 20 ? byte ^ 1 : byte));
    const map = await paletteMap([1]);
    const ids = ['fine', 'colours', 'large', 'strange', 'cut', 'cutMap', 'noPng', 'png'];
    const tree: Tree = {
      ...vocTree(Object.fromEntries(ids.map(id => [id, map]))),
      'SegmentationClass/colours.png': image('.png'),
      'SegmentationClass/large.png': paletteMap([1], { width: 40, height: 30 }),
      'SegmentationClass/strange.png': paletteMap([7, 77]),
      'JPEGImages/cut.jpg': jpeg.subarray(0, jpeg.length - 2),
      'SegmentationClass/cut.png': paletteMap([0, 99]),
      'SegmentationClass/cutMap.png': map.subarray(0, map.length - 30),
      'SegmentationClass/noPng.png': 'version https://git-lfs.github.com/spec/v1',
      'JPEGImages/png.jpg': flipped,
      'SegmentationClass/unlisted.png': 'no one asks',
      'ImageSets/Segmentation/val.txt': [...ids, 'noImage', 'noLabels', 'fine'].join('\n'),
      'SegmentationClass/noImage.png': map,
      'JPEGImages/noLabels.jpg': jpeg,
    };
    const expected = [
      "ImageSets/Segmentation/val.txt: line 11: the id 'fine' stands in line 1 already",
      'SegmentationClass/colours.png: expected a label map of class numbers, palette or 8-bit grey, got colours (RGB)',
      'SegmentationClass/large.png: expected the size of its image, 4 x 3, got 40 x 30',
      'SegmentationClass/strange.png: expected class numbers 0 to 20 or 255, got 77 at column 1, row 0',
      `JPEGImages/cut.jpg: the picture is cut short: the file ends at byte ${jpeg.length - 2}, before the end-of-image marker; get the file again`,
      'SegmentationClass/cut.png: expected class numbers 0 to 20 or 255, got 99 at column 1, row 0',
      'SegmentationClass/noPng.png: expected a PNG, JPEG, WebP, BMP or GIF picture, got a Git LFS pointer; run git lfs pull',
      'JPEGImages/png.jpg: the picture is damaged: the checksum of its IDAT chunk is wrong; get or make the file again',
      'JPEGImages/noImage.jpg: the image is missing',
      'SegmentationClass/noLabels.png: the label map of JPEGImages/noLabels.jpg is missing',
    ];
    const found = await findings('voc21', tree);
    expect(found.filter(line => !line.includes('cutMap'))).to.deep.equal(expected);
    expect(found.filter(line => line.includes('cutMap')).join()).to.match(
      /^SegmentationClass\/cutMap\.png: the picture is cut short: .*$/,
    );
  });

  it('finds label maps without an image where no list says what there should be, and ids that come twice', async () => {
    const tree: Tree = {
      'images/validation/1.jpg': image(),
      'images/validation/1.png': image('.png'),
      'images/validation/3.bmp': image('.bmp'),
      'annotations/validation/1.png': greyMap([1]),
      'annotations/validation/2.png': greyMap([1]),
    };
    expect(await findings('ade20k', tree)).to.deep.equal([
      "images/validation/1.png: the id '1' is that of images/validation/1.jpg too",
      'annotations/validation/2.png: the label map has no image in images/validation',
      'annotations/validation/3.png: the label map of images/validation/3.bmp is missing',
    ]);
  });

  it('is not needed to be told of label maps without an image', () =>
    inTemporaryFolder(async dir => {
      const map = greyMap([1]);
      const maps = Object.fromEntries([1, 2, 3, 4].map(id => [`annotations/validation/${id}.png`, map]));
      await writeTree(dir, { 'images/validation/1.jpg': image(), ...maps });
      const told: string[] = [];
      const { ids } = await openDataset(`ade20k:${dir}`, { warn: text => told.push(text) });
      expect(ids).to.deep.equal(['1']);
      const folder = (name: string) => join(dir, name, 'validation');
      const problem = `the label map has no image in ${folder('images')}`;
      expect(told).to.deep.equal([`${join(folder('annotations'), '2.png')}: ${problem}; nor have 2 others`]);
    }));

  it('finds that there are no images', async () => {
    expect(
      await findings('ade20k', { 'images/validation/list.txt': '', 'annotations/validation/1.png': '' }),
    ).to.deep.equal([
      'images/validation: expected images, got none',
      'annotations/validation/1.png: the label map has no image in images/validation',
    ]);
  });

  it('agrees with reading', () =>
    inTemporaryFolder(async dir => {
      const bad = { ...vocTree({ a: paletteMap([1]), b: paletteMap([22]) }) };
      await writeTree(dir, bad);
      const [finding, ...rest] = (await checkDataset(`voc21:${dir}`)).findings;
      expect(rest).to.deep.equal([]);
      const dataset = await openDataset(`voc21:${dir}`);
      await dataset.read(0);
      expect(await rejection(dataset.read(1))).to.equal(`${finding!.file}: ${finding!.problem}`);
    }));

  it('reads every format of pictures', async () => {
    const map = greyMap([1]);
    const grey = { width: 4, height: 3, mode: 'L', data: new Uint8Array(12), orientation: 1, format: 'png' } as const;
    const tree: Tree = {
      ...{ 'images/validation/1.jpg': image(), 'images/validation/2.png': image('.png') },
      ...{ 'images/validation/3.bmp': image('.bmp'), 'images/validation/4.jpeg': encodePicture(grey, '.jpg') },
      ...Object.fromEntries([1, 2, 3, 4].map(i => [`annotations/validation/${i}.png`, map])),
    };
    expect(await findings('ade20k', tree)).to.deep.equal([]);
  });

  it('ends when it is told to, and refuses what it cannot begin with', () =>
    inTemporaryFolder(async dir => {
      await writeTree(dir, { ...vocTree({ a: paletteMap([1]), b: paletteMap([1]) }), 'one.txt': 'x' });
      const stop = new AbortController();
      const seen: number[] = [];
      const onProgress = (done: number) => {
        seen.push(done);
        setImmediate(() => stop.abort(new Error('enough')));
      };
      const outcome = await checkDataset(`voc21:${dir}`, { onProgress, signal: stop.signal }).catch(error => error);
      expect(outcome).to.be.an('error').with.property('message', 'enough');
      expect(seen).to.deep.equal([1]);
      expect(await rejection(checkDataset(`voc21:${dir}/JPEGImages`))).to.match(/expected images in JPEGImages/);
      expect(await rejection(checkDataset(`voc21:${dir}`, { classesFile: `${dir}/one.txt` }))).to.match(
        /expected the 21 classes/,
      );
      expect(await rejection(checkDataset('scenes:n=2', { classesFile: `${dir}/one.txt` }))).to.match(
        /expected the 14 classes/,
      );
    }));
});
