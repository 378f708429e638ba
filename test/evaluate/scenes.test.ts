/** The embedded model on a few held-out scenes. What it scores on many is in its card. */
import { expect } from 'chai';
import { attentions } from '../../src/attention/index.js';
import { type LoadedClip, loadClip } from '../../src/checkpoint/loadClip.js';
import { InputError } from '../../src/errors.js';
import { heldOutSeed } from '../../src/evaluate/heldOut.js';
import { segmentScenes } from '../../src/evaluate/sceneSegmentation.js';
import { zeroShotScenes } from '../../src/evaluate/zeroShot.js';
import { rgbPicture } from '../../src/image/picture.js';
import { drawScene, sceneCanvas } from '../../src/scenes/draw.js';
import { sceneLabels } from '../../src/scenes/labels.js';
import { sceneAt } from '../../src/scenes/scene.js';
import { sceneBackgrounds, sceneClassNames, sceneColours, sceneShapes } from '../../src/scenes/world.js';
import { type Method, methodByName } from '../../src/segment/methods.js';
import { segment } from '../../src/segment/segmenter.js';
import type { Values } from '../../src/tensor/compile.js';
import { openRunner, type Runner } from '../../src/tensor/runner.js';
import { rejection } from '../files/rejection.js';

/** Plain CLIP with another attention in its last block. */
const withAttention = (name: string): Method => ({
  ...methodByName('clip'),
  name,
  variant: { attention: attentions[name]! },
});

describe('evaluation on scenes', function () {
  this.timeout(60_000);
  let clip: LoadedClip;
  let runner: Runner;
  before(async () => {
    clip = await loadClip('weights/scenes', { weights: 'file' });
    runner = await openRunner('ort', { threads: 1 });
  });
  after(async () => {
    await runner.dispose();
    clip.dispose();
  });

  it('names what the embedded model knows', async () => {
    const { background, colour, shape, thing } = await zeroShotScenes(clip, { count: 100 }, runner);
    expect(background).to.be.at.least(0.95);
    expect(colour).to.be.at.least(0.95);
    for (const share of [shape, thing]) expect(share).to.be.at.least(0.65);
  });

  it('finds all that a model knows that sees names, and nothing where it gives no numbers', async () => {
    const count = 40;
    const words = [...sceneBackgrounds, ...sceneColours, ...sceneShapes];
    const firstPiece = (word: string) => clip.tokenizer.encode(word)[1]!;
    const places = new Map(words.map((word, i) => [firstPiece(word), i]));
    expect(places.size).to.equal(words.length);
    /** A runner whose towers give each word a direction; `see` says what is in a scene. */
    const stub = (see: (index: number) => readonly string[], value = 1): Runner => {
      let seen = 0;
      const call = async ({ data, shape: [n, length] }: Values) => {
        const out = new Float32Array(n! * 128);
        for (let row = 0; row < n!; row++) {
          const ids = length === 3 ? see(seen++).map(firstPiece) : data.subarray(row * length!, (row + 1) * length!);
          for (const id of ids) if (places.has(id)) out[row * 128 + places.get(id)!] = length === 3 ? value : 1;
        }
        return { data: out, shape: [n!, 128] };
      };
      const prepared = Object.assign(call, { dispose: async () => {} });
      return { name: 'engine', prepare: async () => prepared as never, dispose: async () => {} };
    };
    const truth = (i: number) => {
      const { background, objects } = sceneAt(heldOutSeed, i, { objects: [1, 1] });
      return { background, colour: objects[0]!.colour, shape: objects[0]!.shape };
    };
    const all = await zeroShotScenes(
      clip,
      { count },
      stub(i => Object.values(truth(i))),
    );
    expect(all).to.deep.equal({ background: 1, colour: 1, shape: 1, thing: 1 });
    const wrongShape = (i: number) => sceneShapes[(sceneShapes.indexOf(truth(i).shape) + 1) % sceneShapes.length]!;
    const some = await zeroShotScenes(
      clip,
      { count },
      stub(i => [truth(i).background, truth(i).colour, wrongShape(i)]),
    );
    expect(some).to.deep.equal({ background: 1, colour: 1, shape: 0, thing: 0 });
    const broken = zeroShotScenes(
      clip,
      { count: 2 },
      stub(i => Object.values(truth(i)), Number.NaN),
    );
    expect(await rejection(broken)).to.match(/features that are not finite/);
  });

  it('depends on the seed alone', async () => {
    const scores = (seed?: number) => zeroShotScenes(clip, { count: 30, ...(seed !== undefined && { seed }) }, runner);
    expect(await scores()).to.deep.equal(await scores(heldOutSeed));
    expect(await scores(5)).to.not.deep.equal(await scores());
  });

  it('segments better with the attentions of the papers than with plain CLIP', async () => {
    const methods = [withAttention('qk'), methodByName('sclip'), methodByName('clearclip'), methodByName('naclip')];
    const scores = await segmentScenes(clip, 'colours', methods, { count: 24 }, { runner });
    expect(scores.map(({ name }) => name)).to.deep.equal(['qk', 'sclip', 'clearclip', 'naclip']);
    const [vanilla, sclip, clearclip, naclip] = scores.map(({ mIoU }) => mIoU);
    expect(vanilla).to.be.within(0.1, 0.9);
    expect(sclip).to.be.greaterThan(vanilla!);
    for (const bare of [clearclip, naclip]) expect(bare).to.be.greaterThan(1.5 * vanilla!);
  });

  it('counts what segment gives, pixel by pixel', async () => {
    const method = methodByName('sclip');
    const [score] = await segmentScenes(clip, 'shapes', [method], { seed: 3, count: 1 }, { runner });
    const scene = sceneAt(3, 0);
    const canvas = sceneCanvas(scene.size);
    drawScene(scene, canvas);
    const picture = rgbPicture(scene.size, scene.size, canvas.pixels);
    const { labels } = await segment(clip, picture, sceneClassNames('shapes'), method, { runner });
    const truth = sceneLabels(scene, canvas, 'shapes');
    const right = truth.filter((label, i) => label === labels[i]).length;
    expect(score!.aAcc).to.be.closeTo(right / truth.length, 1e-12);
  });

  it('refuses no scenes, and a model without an image tower', async () => {
    const refused = async (call: Promise<unknown>, message: RegExp) => {
      const error = await call.then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error).to.be.instanceOf(InputError);
      expect((error as Error).message).to.match(message);
    };
    for (const count of [0, -1, 1.5]) {
      await refused(zeroShotScenes(clip, { count }, runner), /expected scenes to look at, got/);
      await refused(
        segmentScenes(clip, 'things', [methodByName('clip')], { count }),
        /expected scenes to look at, got/,
      );
    }
    const { embedding, text } = clip.config;
    const blind = { ...clip, config: { embedding, text: text! } };
    await refused(zeroShotScenes(blind, { count: 2 }, runner), /expected a model with an image tower/);
  });
});
