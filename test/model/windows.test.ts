import { expect } from 'chai';
import { attentions } from '../../src/attention/index.js';
import { windowed } from '../../src/attention/windowed.js';
import { type Clip, createClip, type ImageOptions } from '../../src/model/clip.js';
import { compile } from '../../src/tensor/compile.js';
import { type Pixels, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose } from '../goldens.js';
import { evaClip } from './eva.js';
import { expectSame, madeUpImage, tinyClip, valuesOf } from './tiny.js';

const inWindows = ({ config, weights }: Clip, size: number, global: number[]): Clip =>
  createClip({ ...config, image: { ...config.image!, windows: { size, global } } }, weights);

const picture = () => madeUpImage(80, 64);

describe('attention in windows as the model’s own', () => {
  const models: Record<string, Clip> = {};
  before(useEngine);
  before(() => {
    models['OpenAI’s tower'] = tinyClip();
    models['EVA-02’s'] = evaClip();
  });
  after(() => {
    for (const clip of Object.values(models)) clip.dispose();
  });

  const run = (clip: Clip, options: ImageOptions = {}) =>
    tidy(() => {
      const { seen, ...output } = clip.image(picture(), options);
      return valuesOf({ ...output });
    });

  for (const name of ['OpenAI’s tower', 'EVA-02’s']) {
    it(`is in every block but the global ones what a caller would ask for, ${name}`, () =>
      withoutLeak(() => {
        const clip = models[name]!;
        const own = inWindows(clip, 2, [1]);
        const attention = windowed({ size: 2 });
        const others = Array.from({ length: clip.config.image!.layers }, (_, i) => i).filter(i => i !== 1);
        expectSame(run(own), run(clip, { blocks: Object.fromEntries(others.map(i => [i, { attention }])) }));
        expect(run(own).pooled).to.not.deep.equal(run(clip).pooled);
        // What a caller says of a block goes before, other options leave the windows as they are.
        const all = Object.fromEntries(others.map(i => [i, { attention: attentions.qk! }]));
        expectSame(run(own, { blocks: all }), run(clip));
        const csa = { attention: attentions.csa! };
        expectSame(run(inWindows(clip, 2, [0, 1, 2]), { last: csa }), run(clip, { last: csa, blocks: {} }));
        const end = clip.config.image!.layers - 1;
        expectSame(
          run(inWindows(clip, 2, others.filter(i => i !== end).concat(1)), { last: { ffn: false } }),
          run(clip, { last: { ffn: false, attention } }),
        );
      }));
  }

  it('is nothing new where every block is global, or one window covers the grid', () =>
    withoutLeak(() => {
      const clip = models['OpenAI’s tower']!;
      expectSame(run(inWindows(clip, 1, [0, 1, 2, 3])), run(clip));
      expectSame(run(inWindows(clip, 5, [])), run(clip));
    }));

  it('compiles', async () => {
    const clip = inWindows(models['EVA-02’s']!, 3, [2]);
    const tokens = (x: Pixels) => clip.image(x).tokens;
    const fast = await compile(tokens, [{ shape: ['batch', 3, 80, 64] }]);
    const given = tidy(() => picture().dataSync().slice()) as Float32Array;
    const { data } = await fast({ data: given, shape: [1, 3, 80, 64] });
    expectClose(
      data as Float32Array,
      tidy(() => tokens(picture()).dataSync()),
      { maxAbs: 2e-5 },
    );
    await fast.dispose();
  });
});
