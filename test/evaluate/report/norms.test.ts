import { expect } from 'chai';
import { type LoadedClip, loadClip } from '../../../src/checkpoint/loadClip.js';
import { settingNorms } from '../../../src/evaluate/report/norms.js';
import { rgbPicture } from '../../../src/image/picture.js';
import { preprocess } from '../../../src/image/preprocess.js';
import { drawScene, sceneCanvas } from '../../../src/scenes/draw.js';
import { sceneAt } from '../../../src/scenes/scene.js';
import { methodByName } from '../../../src/segment/methods.js';
import { openRunner } from '../../../src/tensor/runner.js';
import { tensor4d } from '../../../src/tensor/tfjs.js';
import { useEngine } from '../../engine.js';
import { rejection } from '../../files/rejection.js';

const pictures = [0, 1].map(index => {
  const canvas = sceneCanvas(96);
  drawScene(sceneAt(3, index), canvas);
  return rgbPicture(96, 96, canvas.pixels);
});

describe('norms of each setting', function () {
  this.timeout(60_000);
  let clip: LoadedClip;
  before(useEngine);
  before(async () => {
    clip = await loadClip('weights/scenes');
  });
  after(() => clip.dispose());

  it('are mean lengths of the last block over patches and images', async () => {
    const runner = await openRunner('ort', { threads: 1 });
    const names = ['clip', 'clearclip', 'gem'];
    const norms = await settingNorms(clip, names.map(methodByName), pictures, runner);
    await runner.dispose();
    expect(norms.map(({ name }) => name)).to.deep.equal(names);
    for (const [m, { variant }] of names.map(methodByName).entries()) {
      const block = `image.${variant.path === 'side' ? 'side.' : ''}blocks.${clip.config.image!.layers - 1}`;
      const lengths = { resid_pre: [] as number[], attn_out: [] as number[] };
      for (const picture of pictures) {
        const pixels = tensor4d(preprocess(picture, clip.preprocessor), [1, 3, 96, 96]);
        const { tokens, seen } = clip.image(pixels, {
          last: variant,
          see: [`${block}.resid_pre`, `${block}.attn_out`],
        });
        for (const point of ['resid_pre', 'attn_out'] as const) {
          const [rows] = (await seen[`${block}.${point}`]!.array()) as number[][][];
          lengths[point].push(...rows!.slice(1).map(row => Math.hypot(...row)));
        }
        for (const tensor of [pixels, tokens, ...Object.values(seen)]) tensor.dispose();
      }
      const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
      expect(norms[m]!.residual).to.be.closeTo(mean(lengths.resid_pre), 1e-3);
      expect(norms[m]!.attention).to.be.closeTo(mean(lengths.attn_out), 1e-3);
    }
    expect(norms[0]!.residual).to.be.closeTo(norms[1]!.residual, 1e-6);
    expect(norms[0]!.attention).to.not.be.closeTo(norms[1]!.attention, 1e-3);
  });

  it('need a picture', async () => {
    const message = await rejection(settingNorms(clip, [methodByName('clip')], []));
    expect(message).to.equal('settingNorms: expected at least one picture, got none');
  });
});
