import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openDataset } from '../../../src/evaluate/datasets/openDataset.js';
import { readPicture } from '../../../src/image/decode.js';
import { classList } from '../../../src/segment/classLists.js';
import { protocolFor } from '../../../src/segment/protocols.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { filled, greyMap, image, paletteMap, type Tree, vocTree, wideMap, writeTree } from './fixtures.js';

/** Opens a data set of these files and reads the labels of its images by their ids. */
async function labelsOf(kind: string, tree: Tree, below = ''): Promise<Record<string, number[]>> {
  const labels: Record<string, number[]> = {};
  await inTemporaryFolder(async dir => {
    await writeTree(dir, tree);
    const dataset = await openDataset(`${kind}:${join(dir, below)}`);
    for (const [i, id] of dataset.ids.entries()) {
      const read = await dataset.read(i);
      expect(read.id).to.equal(id);
      expect(read.picture).to.include({ width: 4, height: 3 });
      labels[id] = [...read.labels];
    }
  });
  return labels;
}

const maps = (folder: string, files: Readonly<Record<string, readonly number[]>>): Tree =>
  Object.fromEntries(Object.entries(files).map(([name, numbers]) => [`${folder}/${name}`, greyMap(numbers)]));
const images = (folder: string, ...names: string[]): Tree =>
  Object.fromEntries(names.map(name => [`${folder}/${name}`, image(name.slice(name.lastIndexOf('.')))]));

describe('published layouts', () => {
  it('Pascal VOC: images of the list, in its order, from the folder or above it', async () => {
    const numbers = [0, 1, 20, 255];
    const expected = { '2011_000025': filled([0]), '2011_000003': filled(numbers) };
    for (const root of ['', 'VOC2012/', 'VOCdevkit/VOC2012/']) {
      const tree = {
        ...vocTree({ '2011_000025': paletteMap([0]), '2011_000003': paletteMap(numbers) }, root),
        ...images(`${root}JPEGImages`, '2007_000001.jpg'),
      };
      expect(await labelsOf('voc21', tree)).to.deep.equal(expected);
      expect(Object.keys(await labelsOf('voc21', tree))).to.deep.equal(Object.keys(expected));
    }
    expect(await labelsOf('voc20', vocTree({ a: paletteMap(numbers) }))).to.deep.equal({
      a: filled([255, 0, 19, 255]),
    });
  });

  const contextTree = (map: (numbers: readonly number[]) => Promise<Uint8Array>, ...numbers: number[][]): Tree => ({
    ...Object.fromEntries(
      numbers.flatMap((own, i) => [
        [`VOC2010/JPEGImages/${i}.jpg`, image()],
        [`VOC2010/SegmentationClassContext/${i}.png`, map(own)],
      ]),
    ),
    'VOC2010/ImageSets/SegmentationContext/val.txt': numbers.map((_, i) => `${i}\r\n`).join(''),
  });

  it('Pascal Context: 60 classes, or the 459 that they are kept of', async () => {
    const few = contextTree(paletteMap, [0, 1, 59, 255], [2]);
    expect(await labelsOf('context60', few)).to.deep.equal({ 0: filled([0, 1, 59, 255]), 1: filled([2]) });
    expect(await labelsOf('context59', few)).to.deep.equal({ 0: filled([255, 0, 58, 255]), 1: filled([1]) });
    // 2, 9, 115 and 458 are kept; 1, 3 and 459 are not.
    const all = contextTree(wideMap, [0, 2, 9, 458, 459, 1], [2]);
    expect(await labelsOf('context60', all)).to.deep.equal({ 0: filled([0, 1, 2, 59, 0, 0]), 1: filled([1]) });
    expect(await labelsOf('context59', all)).to.deep.equal({ 0: filled([255, 0, 1, 58, 255, 255]), 1: filled([0]) });
    // Bytes too, once any of the first maps has a number above 59.
    const bytes = contextTree(greyMap, [2, 9], [3, 115]);
    expect(await labelsOf('context60', bytes)).to.deep.equal({ 0: filled([1, 2]), 1: filled([0, 24]) });
  });

  it('COCO-Stuff: train ids, or the published maps', async () => {
    const ids = { 1: [0, 11, 170, 255] };
    const raw = { '1.png': [0, 12, 181, 255] };
    const expected = { 1: filled(ids[1]) };
    const trained = { '1_labelTrainIds.png': ids[1] };
    const both = [images('images/val2017', '1.jpg'), images('val2017', '1.jpg')];
    for (const pictures of both) {
      const trees = [
        maps('annotations/val2017', trained),
        // As the converter leaves them: beside each other. Those with wrong numbers are not looked at.
        { ...maps('annotations/val2017', trained), ...maps('annotations/val2017', { '1.png': [182] }) },
        maps('annotations/val2017', raw),
        maps('stuffthingmaps/val2017', raw),
        maps('stuffthingmaps_trainval2017/val2017', raw),
        maps('stuffthingmaps_detectron2/val2017', { '1.png': ids[1] }),
      ];
      for (const tree of trees) expect(await labelsOf('coco-stuff', { ...pictures, ...tree })).to.deep.equal(expected);
    }
  });

  it('COCO-Stuff: the images of a list where there is one, else all', async () => {
    const tree = {
      ...images('images/val2017', '3.jpg', '1.jpg', '2.jpg'),
      ...maps('stuffthingmaps/val2017', { '1.png': [1], '2.png': [2], '3.png': [3] }),
    };
    expect(await labelsOf('coco-stuff', tree)).to.deep.equal({ 1: filled([1]), 2: filled([2]), 3: filled([3]) });
    const listed = { ...tree, 'imageLists/val.txt': '\ufeff3\n\n1' };
    expect(await labelsOf('coco-stuff', listed)).to.deep.equal({ 3: filled([3]), 1: filled([1]) });
  });

  it('COCO-Object: what is no thing is the background', async () => {
    const pictures = images('val2017', '1.jpg');
    const expected = { 1: filled([1, 12, 80, 0, 0]) };
    const instances = maps('annotations/val2017', { '1_instanceTrainIds.png': [1, 12, 80, 0, 0] });
    const trained = maps('annotations/val2017', { '1_labelTrainIds.png': [0, 11, 79, 80, 255] });
    const raw = maps('stuffthingmaps/val2017', { '1.png': [0, 12, 89, 91, 255] });
    for (const tree of [instances, trained, raw]) {
      expect(await labelsOf('coco-object', { ...pictures, ...tree })).to.deep.equal(expected);
    }
  });

  it('COCO-Stuff 10k: numbers from 1, the images of the list', async () => {
    const tree = {
      ...images('images/test2014', 'COCO_train2014_000000000077.jpg'),
      ...maps('annotations/test2014', { 'COCO_train2014_000000000077_labelTrainIds.png': [0, 1, 171] }),
    };
    const expected = { COCO_train2014_000000000077: filled([255, 0, 170]) };
    expect(await labelsOf('coco-stuff10k', tree)).to.deep.equal(expected);
    const flat = {
      ...images('images', '77.jpg', '78.jpg'),
      ...maps('annotations', { '77_labelTrainIds.png': [1], '78_labelTrainIds.png': [2] }),
      'imageLists/test.txt': '78\n',
    };
    expect(await labelsOf('coco-stuff10k', flat)).to.deep.equal({ 78: filled([1]) });
  });

  it('Cityscapes: train ids where they are, else label ids, city by city', async () => {
    const [bonn, ulm] = ['bonn_000000_000019', 'ulm_000001_000019'];
    const pictures = {
      ...images('leftImg8bit/val/ulm', `${ulm}_leftImg8bit.png`),
      ...images('leftImg8bit/val/bonn', `${bonn}_leftImg8bit.png`),
    };
    const labels = {
      ...maps('gtFine/val/ulm', { [`${ulm}_gtFine_labelIds.png`]: [7, 33, 0, 3] }),
      ...maps('gtFine/val/bonn', { [`${bonn}_gtFine_labelIds.png`]: [8] }),
      'gtFine/val/ulm/ulm_000001_000019_gtFine_color.png': image('.png'),
    };
    const expected = { [bonn]: filled([1]), [ulm]: filled([0, 18, 255, 255]) };
    expect(await labelsOf('cityscapes', { ...pictures, ...labels })).to.deep.equal(expected);
    const trained = {
      ...maps('gtFine/val/ulm', { [`${ulm}_gtFine_labelTrainIds.png`]: [2, 18, 255] }),
      ...maps('gtFine/val/bonn', { [`${bonn}_gtFine_labelTrainIds.png`]: [1] }),
    };
    expect(await labelsOf('cityscapes', { ...pictures, ...labels, ...trained })).to.deep.equal({
      [bonn]: filled([1]),
      [ulm]: filled([2, 18, 255]),
    });
  });

  it('ADE20K: number 0 does not count', async () => {
    for (const root of ['', 'ADEChallengeData2016/', 'ade/ADEChallengeData2016/']) {
      const tree = {
        ...images(`${root}images/validation`, 'ADE_val_00000001.jpg'),
        ...maps(`${root}annotations/validation`, { 'ADE_val_00000001.png': [0, 1, 150] }),
        [`${root}images/validation/.DS_Store`]: 'x',
        [`${root}images/validation/._ADE_val_00000001.jpg`]: 'x',
      };
      expect(await labelsOf('ade20k', tree)).to.deep.equal({ ADE_val_00000001: filled([255, 0, 149]) });
    }
  });
});

describe('a data set', () => {
  it('has the classes, the settings and the wordings it was published with', () =>
    inTemporaryFolder(async dir => {
      const stuff = { ...images('val2017', '1.jpg'), ...maps('stuffthingmaps/val2017', { '1.png': [0] }) };
      await writeTree(join(dir, 'voc'), vocTree({ a: paletteMap([0]) }));
      await writeTree(join(dir, 'coco'), stuff);
      const [voc21, voc20] = [await openDataset(`voc21:${dir}/voc`), await openDataset(`voc20:${dir}/voc`)];
      expect(voc21).to.include({ spec: `voc21:${dir}/voc`, kind: 'voc21', setting: 'voc21', background: true });
      expect(voc21.classes).to.have.length(21);
      expect(voc21.classes.slice(0, 3)).to.deep.equal(['background', 'aeroplane', 'bicycle']);
      expect(voc21.vocabulary('sclip').classes[0]!.synonyms).to.have.length(25);
      expect(voc20).to.include({ setting: 'voc20', background: false });
      expect(voc20.classes).to.deep.equal(voc21.classes.slice(1));
      expect(voc20.fingerprint).to.not.equal(voc21.fingerprint);
      const object = await openDataset(`coco-object:${dir}/coco`);
      expect(object).to.include({ setting: 'coco-object', background: true });
      expect([object.classes.length, object.classes[0], object.classes[80]]).to.deep.equal([
        81,
        'background',
        'toothbrush',
      ]);
      expect((await openDataset(`coco-stuff:${dir}/coco`)).classes).to.have.length(171);
      expect(protocolFor('sclip', object.setting).scale).to.equal(50);
    }));

  it('has the same fingerprint wherever it lies, another for other images or names', () =>
    inTemporaryFolder(async dir => {
      const print = async (place: string, ids: string[], extra: Tree = {}) => {
        const map = await paletteMap([0]);
        await writeTree(join(dir, place), { ...vocTree(Object.fromEntries(ids.map(id => [id, map]))), ...extra });
        return (await openDataset(`voc21:${dir}/${place}`)).fingerprint;
      };
      const here = await print('here', ['a', 'b']);
      expect(here).to.match(/^[0-9a-f]{64}$/);
      expect(await print('there', ['a', 'b'])).to.equal(here);
      const own = (names: string) => print('own', ['a', 'b'], { 'classes.txt': names });
      const others = [await print('less', ['a']), await own('a\nb,c'), await own('a,b\nc')];
      const published = classList('voc21', 'clearclip').classes.map(({ name }) => name);
      // The very names of one published wording, but in place of all of them.
      const names = join(dir, 'names.txt');
      writeFileSync(names, published.join('\n'));
      others.push((await openDataset(`voc21:${dir}/here`, { classesFile: names })).fingerprint);
      others.push(await own(published.join('\n')));
      expect(new Set([here, ...others])).to.have.length(6);
    }));

  it('reads pixels as they are stored, since labels are', () =>
    inTemporaryFolder(async dir => {
      const jpeg = await image('.jpg');
      // EXIF in little-endian TIFF with one entry, orientation 6: a quarter turn.
      const body = Buffer.from('45786966000049492a0008000000010012010300010000000600000000000000', 'hex');
      const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, body.length + 2]), body]);
      await writeTree(dir, {
        ...vocTree({ a: paletteMap([1]) }),
        'JPEGImages/a.jpg': Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]),
      });
      expect(await readPicture(join(dir, 'JPEGImages/a.jpg'))).to.include({ orientation: 6 });
      const { picture } = await (await openDataset(`voc21:${dir}`)).read(0);
      expect(picture).to.include({ width: 4, height: 3, orientation: 1 });
    }));

  it('may have classes of its own, or the user’s names', () =>
    inTemporaryFolder(async dir => {
      const ten = { a: paletteMap([0, 1, 255]) };
      await writeTree(dir, {
        ...vocTree(ten),
        'classes.txt': 'cat, kitten\n\nsofa; couch\n',
        'names.txt': 'feline\nseat,bench',
      });
      const own = await openDataset(`voc21:${dir}`);
      expect(own.setting).to.equal(undefined);
      expect(own.background).to.equal(false);
      expect(own.classes).to.deep.equal(['cat', 'sofa']);
      expect(own.vocabulary('sclip').queries).to.deep.equal(['cat', 'kitten', 'sofa', 'couch']);
      expect([...(await own.read(0)).labels]).to.deep.equal(filled([0, 1, 255]));
      const renamed = await openDataset(`voc21:${dir}`, { classesFile: `${dir}/names.txt` });
      expect(renamed.classes).to.deep.equal(['feline', 'seat']);
      expect(renamed.vocabulary('clearclip').queries).to.deep.equal(['feline', 'seat', 'bench']);
      expect(renamed.fingerprint).to.not.equal(own.fingerprint);
      expect((await renamed.read(0)).labels).to.deep.equal((await own.read(0)).labels);
    }));
});
