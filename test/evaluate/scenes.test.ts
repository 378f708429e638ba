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
import { sceneClassNames } from '../../src/scenes/world.js';
import { type Method, methodByName } from '../../src/segment/methods.js';
import { segment } from '../../src/segment/segmenter.js';
import { openRunner, type Runner } from '../../src/tensor/runner.js';

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
    const { background, colour, shape, thing } = await zeroShotScenes(clip, { count: 60 }, runner);
    expect(background).to.be.at.least(0.95);
    expect(colour).to.be.at.least(0.9);
    for (const share of [shape, thing]) expect(share * 60).to.be.closeTo(Math.round(share * 60), 1e-9);
  });

  it('depends on the seed alone', async () => {
    const scores = (seed?: number) => zeroShotScenes(clip, { count: 30, ...(seed !== undefined && { seed }) }, runner);
    expect(await scores()).to.deep.equal(await scores(heldOutSeed));
    expect(await scores(5)).to.not.deep.equal(await scores());
  });

  it('segments better with the attentions of the papers than with plain CLIP', async () => {
    const methods = [withAttention('qk'), withAttention('csa'), methodByName('maskclip')];
    const scores = await segmentScenes(clip, 'colours', methods, { count: 6 }, { runner });
    expect(scores.map(({ name }) => name)).to.deep.equal(['qk', 'csa', 'maskclip']);
    const [vanilla, csa, maskclip] = scores.map(({ mIoU }) => mIoU);
    expect(vanilla).to.be.within(0.1, 0.9);
    expect(csa).to.be.greaterThan(1.2 * vanilla!);
    expect(maskclip).to.be.greaterThan(1.2 * vanilla!);
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
