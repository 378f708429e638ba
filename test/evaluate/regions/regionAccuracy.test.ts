/** Regions of scenes by the embedded model: the same figures by another way, and what is refused. */
import { expect } from 'chai';
import { type LoadedClip, loadClip } from '../../../src/checkpoint/loadClip.js';
import { InputError } from '../../../src/errors.js';
import { classAccuracy, countRegion, noHits } from '../../../src/evaluate/regions/classAccuracy.js';
import { rankOf } from '../../../src/evaluate/regions/ranks.js';
import { regionAccuracy } from '../../../src/evaluate/regions/regionAccuracy.js';
import { type RegionDataset, regionsOf } from '../../../src/evaluate/regions/regionDataset.js';
import type { Reading } from '../../../src/evaluate/regions/regionReader.js';
import { sceneRegions } from '../../../src/evaluate/regions/scenes.js';
import { regionPrompts, regionSize } from '../../../src/evaluate/regions/settings.js';
import { planesOf } from '../../../src/image/resizing/planes.js';
import { normalised } from '../../../src/regions/boxes.js';
import { cropSquare, padSquare } from '../../../src/regions/crops.js';
import { denseMap, regionFeatures } from '../../../src/regions/features.js';
import { maskToGrid } from '../../../src/regions/masks.js';
import { boxWeights, maskWeights } from '../../../src/regions/weights.js';
import { methodByName } from '../../../src/segment/methods.js';
import { textFeatures } from '../../../src/segment/textFeatures.js';
import { openRunner, type Runner } from '../../../src/tensor/runner.js';
import { tensor2d, tensor4d, tidy } from '../../../src/tensor/tfjs.js';
import { useEngine } from '../../engine.js';
import { rejection } from '../../files/rejection.js';

/** Not square, so that boxes and masks meet a padded grid. */
function cut({ read, ...rest }: RegionDataset, rows: number): RegionDataset {
  return {
    ...rest,
    async read(index) {
      const { picture, map, segments, ...image } = await read(index);
      const { width } = picture;
      const kept = { ...picture, height: rows, data: picture.data.slice(0, 3 * rows * width) };
      const inside = segments.map(({ label, box }) => ({ label, box: { ...box, bottom: Math.min(box.bottom, rows) } }));
      return { ...image, picture: kept, map: map.slice(0, rows * width), segments: inside };
    },
  };
}

describe('region accuracy', function () {
  this.timeout(120_000);
  let clip: LoadedClip;
  let runner: Runner;
  before(useEngine);
  before(async () => {
    clip = await loadClip('weights/scenes');
    runner = await openRunner('ort', { threads: 1 });
  });
  after(async () => {
    await runner.dispose();
    clip.dispose();
  });

  it('is that of pooled features, region by region, and of the image tower on crops', async () => {
    const dataset = cut(sceneRegions({ seed: 4, count: 5 }, { classes: 'shapes', scenes: { objects: [2, 5] } }), 80);
    const options = { size: 144, against: 'all' } as const;
    const found = await regionAccuracy(clip, dataset, options, runner);
    expect(found).to.deep.include({ images: 5, failures: [], size: 144, against: 'all' });

    const { rescale, mean, std } = clip.preprocessor;
    const { values, count, width } = await textFeatures(clip, dataset.vocabulary.queries, regionPrompts(clip));
    const likeness = (feature: Float32Array) =>
      Array.from({ length: count }, (_, q) => feature.reduce((dot, x, e) => dot + x * values[q * width + e]!, 0));
    const hits = { boxes: noHits(16), masks: noHits(16), crops: noHits(16) };
    for (const index of dataset.ids.keys()) {
      const image = await dataset.read(index);
      const { picture, map } = image;
      for (const { label, number, box, crop } of regionsOf(image, dataset.classes)) {
        // The longest side is 96 pixels.
        const shares = boxWeights(normalised(box, 96, 96), { rows: 12, columns: 12 });
        const mask = maskToGrid(
          Uint8Array.from(map, n => Number(n === number)),
          96,
          80,
          12,
        );
        const features = tidy(() => {
          const pixels = (data: Float32Array, side: number) => tensor4d(data, [1, 3, side, side]);
          const dense = denseMap(clip, pixels(planesOf(padSquare(picture, 144).picture, rescale, mean, std), 144));
          const weights = tensor2d(Float32Array.of(...shares, ...maskWeights(mask)), [2, 144]);
          const shown = pixels(planesOf(cropSquare(picture, crop, 96), rescale, mean, std), 96);
          return [...regionFeatures(dense, weights).dataSync(), ...clip.image(shown).embedding.dataSync()];
        });
        for (const [i, reading] of (['boxes', 'masks', 'crops'] as const).entries()) {
          const feature = Float32Array.from(features.slice(i * width, (i + 1) * width));
          countRegion(hits[reading], label, rankOf(likeness(feature), dataset.vocabulary, label));
        }
      }
    }
    const [{ name, ...scores }] = found.methods as [(typeof found.methods)[0]];
    expect(name).to.equal('clipself');
    for (const reading of ['boxes', 'masks', 'crops'] as const) {
      expect(scores[reading], reading).to.deep.equal({
        thing: classAccuracy(hits[reading], label => label < 10),
        stuff: classAccuracy(hits[reading], label => label >= 10),
      });
    }
    expect(found.regions.stuff).to.equal(5);
    expect(found.regions.thing).to.be.within(10, 25);
  });

  it('is the same for a method whatever others share its run, and reads only what is asked for', async () => {
    const dataset = sceneRegions({ count: 6 });
    const of = (names: readonly string[], readings: readonly Reading[]) =>
      regionAccuracy(clip, dataset, { methods: names.map(methodByName), readings }, runner);
    const { methods } = await of(['clip', 'clipself', 'scclip'], ['boxes', 'masks', 'crops']);
    for (const method of methods) {
      const { boxes, masks } = method;
      const alone = await of([method.name], ['masks', 'boxes']);
      expect(alone.methods, method.name).to.deep.equal([{ name: method.name, boxes, masks }]);
      expect(method.crops).to.deep.equal(methods[0]!.crops);
    }
    expect((await of(['clip'], ['crops'])).methods).to.deep.equal([{ name: 'clip', crops: methods[0]!.crops }]);
    expect(methods[0]!.boxes).to.not.deep.equal(methods[1]!.boxes);
  });

  it('holds a region of a scene against its like, and knows backgrounds and colours by crops', async () => {
    const dataset = sceneRegions({ count: 12 });
    const alike = await regionAccuracy(clip, dataset, { readings: ['crops'] }, runner);
    const all = await regionAccuracy(clip, dataset, { readings: ['crops'], against: 'all' }, runner);
    expect([alike.against, all.against]).to.deep.equal(['alike', 'all']);
    const [mine, published] = [alike.methods[0]!.crops!, all.methods[0]!.crops!];
    expect(mine.stuff.top1).to.be.at.least(0.9);
    expect(mine.thing.top1).to.be.at.least(0.6);
    expect(mine.thing.top1).to.be.at.least(published.thing.top1!);
    expect(mine.thing.top5).to.be.at.least(mine.thing.top1!);
  });

  it('leaves out images that cannot be read and those without regions, and tells of the first', async () => {
    const scenes = sceneRegions({ count: 4 });
    const dataset: RegionDataset = {
      ...scenes,
      async read(index) {
        if (index === 1) return unreadable();
        const image = await scenes.read(index);
        return index === 2 ? { ...image, segments: [] } : image;
      },
    };
    const progress: string[] = [];
    const options = {
      readings: ['boxes'],
      onProgress: (done: number, total: number) => progress.push(`${done}/${total}`),
    } as const;
    const found = await regionAccuracy(clip, dataset, options, runner);
    expect(found).to.deep.include({ images: 3, failures: [{ id: '000002', failure: 'two: lines\\u{000a}of it' }] });
    expect(found.regions.stuff).to.equal(2);
    expect(progress).to.deep.equal(['0/4', '1/4', '2/4', '3/4', '4/4']);
    const [first] = (await regionAccuracy(clip, dataset, { ...options, limit: 2 }, runner)).methods;
    expect(first!.boxes!.stuff.top1).to.be.oneOf([0, 1]);
    const nothing = { ...scenes, read: async (i: number) => ({ ...(await scenes.read(i)), segments: [] }) };
    const none = await regionAccuracy(clip, nothing, options, runner);
    expect(none.methods[0]!.boxes!.thing).to.deep.equal({ macc1: null, macc5: null, top1: null, top5: null });
  });

  it('stops after the image under way', async () => {
    const stop = new AbortController();
    const onProgress = (done: number) => done === 1 && stop.abort(new Error('enough'));
    const options = { readings: ['boxes'], onProgress, signal: stop.signal } as const;
    const error = await regionAccuracy(clip, sceneRegions({ count: 3 }), options, runner).catch((one: Error) => one);
    expect(error).to.have.property('message', 'enough');
  });

  it('has the published sizes, and refuses what is no whole number of patches or too much', () => {
    const image = clip.config.image!;
    const b16 = { ...image, patch: 16, imageSize: 224, heads: 12 };
    const l14 = { ...image, patch: 14, imageSize: 336, heads: 16 };
    const [coco, scenes] = [{ kind: 'coco-panoptic' }, { kind: 'scenes' }] as const;
    expect([regionSize(b16, coco), regionSize(l14, coco), regionSize(image, scenes)]).to.deep.equal([1024, 896, 192]);
    expect(regionSize(b16, coco, 512)).to.equal(512);
    for (const size of [500, 0, -16, 1.5]) {
      expect(() => regionSize(b16, coco, size)).to.throw(`expected a size in whole patches of 16 pixels, got ${size}`);
    }
    expect(() => regionSize(b16, coco, 4096)).to.throw(/expected a size of at most 1088 pixels for this model/);
  });

  it('refuses no methods, no readings, no scenes, and a model without an image tower', async () => {
    const dataset = sceneRegions({ count: 1 });
    const say = (options: object, model = clip) => rejection(regionAccuracy(model, dataset, options, runner));
    expect(await say({ methods: [] })).to.match(/expected methods and readings, got 0 and 3/);
    expect(await say({ readings: [] })).to.match(/expected methods and readings, got 1 and 0/);
    const { embedding, text } = clip.config;
    expect(await say({}, { ...clip, config: { embedding, text: text! } })).to.match(
      /expected a model with an image tower/,
    );
    expect(() => sceneRegions({ count: 0 })).to.throw(/expected scenes to look at, got 0/);
  });
});

const unreadable = (): never => {
  throw new InputError('two: lines\nof it');
};
