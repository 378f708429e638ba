import { expect } from 'chai';
import { gem } from '../../src/attention/gem.js';
import { attentions } from '../../src/attention/index.js';
import { type Clip, createClip, type ImageOptions } from '../../src/model/clip.js';
import type { Variant } from '../../src/model/imageTower.js';
import { methodByName } from '../../src/segment/methods.js';
import { methodNames as allMethods } from '../../src/segment/protocols.js';
import { compile } from '../../src/tensor/compile.js';
import {
  concat,
  dispose,
  gather,
  mul,
  type Scalar,
  scalar,
  slice,
  type Tensor,
  tensor1d,
  tidy,
} from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose, findGolden, readGolden } from '../goldens.js';
import { expectSame, pixelsOf, tinyClip, twoImages, valuesOf } from './tiny.js';

/** Methods that one run of the tower does. */
const methodNames = allMethods.filter(name => methodByName(name).variant.guide === undefined);

/** What must hold whatever the numbers are (methods-dense.md, section 6). */
describe('invariants of the image tower', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  const run = (options: ImageOptions = {}, pixels = twoImages) =>
    tidy(() => {
      const { seen, ...output } = clip.image(pixels(), options);
      return { ...valuesOf(seen), ...valuesOf({ ...output }) };
    });

  it('alpha 1 is the plain residual', () =>
    withoutLeak(() => {
      for (const last of [{}, { ffn: false }, { attention: attentions.csa!, blocks: 3 }] as Variant[]) {
        expectSame(run({ last: { ...last, residual: 1 } }), run({ last: { ...last, residual: true } }));
      }
    }));

  it('alpha 0 leaves what entered the block, and no residual leaves the attention alone', () =>
    withoutLeak(() => {
      const see = ['blocks.3.resid_pre', 'blocks.3.attn_out', 'blocks.3.resid_mid', 'blocks.3.resid_post'];
      const nothing = run({ last: { residual: 0, ffn: false }, see });
      expect(nothing['image.blocks.3.resid_mid']).to.deep.equal(nothing['image.blocks.3.resid_pre']);
      expect(nothing['image.blocks.3.resid_post']).to.deep.equal(nothing['image.blocks.3.resid_pre']);
      const alone = run({ last: { residual: false, ffn: false }, see });
      expect(alone['image.blocks.3.resid_post']).to.deep.equal(alone['image.blocks.3.attn_out']);
    }));

  it('X_sum is X_res + alpha X_attn', () =>
    withoutLeak(() => {
      const see = ['blocks.3.resid_pre', 'blocks.3.attn_out', 'blocks.3.resid_mid'];
      for (const residual of [-1, 0.25, 16]) {
        const {
          'image.blocks.3.resid_pre': res,
          'image.blocks.3.attn_out': attn,
          ...rest
        } = run({ last: { residual }, see });
        const expected = res!.map((x, i) => x + residual * attn![i]!);
        expectClose(rest['image.blocks.3.resid_mid']!, expected, { maxAbs: 1e-5, relative: 1e-6 });
      }
    }));

  it('alpha as a tensor is alpha as a number, and one graph serves every alpha', async () => {
    const last = { attention: attentions.csa!, ffn: false };
    const signature = [{ shape: ['batch', 3, 64, 64] }, { shape: [] }] as const;
    const compiled = await compile(
      (pixels, alpha) => clip.image(pixels, { last: { ...last, residual: alpha as Scalar } }).tokens,
      signature,
    );
    const images = twoImages();
    for (const alpha of [0, 0.25, 1, 3]) {
      const expected = run({ last: { ...last, residual: alpha } });
      const factor = scalar(alpha);
      // A factor of 1 as a number is left out, which rounds nothing.
      const eager = run({ last: { ...last, residual: factor } });
      factor.dispose();
      expectClose(eager.tokens!, expected.tokens!, { maxAbs: 0 });
      const values = { data: (await images.data()) as Float32Array, shape: images.shape };
      const { data } = await compiled(values, { data: Float32Array.of(alpha), shape: [] });
      expectClose(data as Float32Array, expected.tokens!, { maxAbs: 1e-4 });
    }
    images.dispose();
    await compiled.dispose();
  });

  it('a batch is its images one by one', () =>
    withoutLeak(() => {
      const { pixels } = readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!);
      const one = (i: number) => () => {
        const all = pixelsOf(pixels!);
        return slice(all, [i, 0, 0, 0], [1, 3, 64, 64]);
      };
      for (const name of methodNames) {
        const last = methodByName(name).variant;
        const { tokens } = run({ last }, () => pixelsOf(pixels!));
        for (let i = 0; i < 5; i++) {
          const single = run({ last }, one(i)).tokens!;
          expectClose(
            tokens!.subarray(i * 17 * 64, (i + 1) * 17 * 64),
            single,
            { maxAbs: 1e-5 },
            { name, shape: [17, 64] },
          );
        }
      }
    }));

  it('patches that enter the last block in another order leave it so, unless it knows their places', () =>
    withoutLeak(() => {
      const order = [0, ...Array.from({ length: 16 }, (_, i) => 1 + ((5 * i + 3) % 16))];
      const shuffled = (value: Tensor) => gather(value, tensor1d(order, 'int32'), 1);
      const difference = (last: Variant) =>
        tidy(() => {
          const straight = shuffled(clip.image(twoImages(), { last }).tokens).dataSync();
          const patch = { 'blocks.3.resid_pre': shuffled };
          const turned = clip.image(twoImages(), { last, patch }).tokens.dataSync();
          return Math.max(...straight.map((x, i) => Math.abs(x - turned[i]!)));
        });
      for (const name of ['identity', 'qk', 'qq', 'kk', 'vv', 'csa', 'gem']) {
        expect(difference({ attention: attentions[name]! }), name).to.be.below(2e-5);
      }
      expect(difference({ attention: attentions.naclip! })).to.be.above(1e-3);
    }));

  it('identity mixes no tokens: one patch more leaves the others as they were', () =>
    withoutLeak(() => {
      const patch = {
        'blocks.3.resid_pre': (value: Tensor) =>
          concat([slice(value, [0, 0, 0], [2, 16, 128]), mul(slice(value, [0, 16, 0], [2, 1, 128]), -3)], 1),
      };
      const last = { attention: attentions.identity! };
      const [plain, changed] = [run({ last }), run({ last, patch })].map(({ tokens }) => tokens!.slice(0, 16 * 64));
      expectClose(changed!, plain!, { maxAbs: 1e-6 });
      expect(run({ patch }).tokens!.slice(0, 64)).to.not.deep.equal(run().tokens!.slice(0, 64));
    }));

  it('ClearCLIP and NACLIP never ask the last FFN', () =>
    withoutLeak(() => {
      const { image } = clip.weights;
      const last = image!.blocks[3]!;
      const noise = (like: Tensor) => mul(like, -17) as never;
      const noisy = tidy(() => ({
        ln2: { weight: noise(last.ln2.weight), bias: noise(last.ln2.bias) },
        fc1: { weight: noise(last.fc1.weight), bias: noise(last.fc1.bias!) },
        fc2: { weight: noise(last.fc2.weight), bias: noise(last.fc2.bias!) },
      }));
      const other = createClip(clip.config, {
        ...clip.weights,
        image: { ...image!, blocks: [...image!.blocks.slice(0, 3), { ...last, ...noisy }] },
      });
      const tokens = (model: Clip, name: string) =>
        tidy(() =>
          model
            .image(twoImages(), { last: methodByName(name).variant })
            .tokens.dataSync()
            .slice(),
        );
      for (const name of ['clearclip', 'naclip', 'gem']) {
        expect(tokens(other, name), name).to.deep.equal(tokens(clip, name));
      }
      for (const name of ['clip', 'sclip']) expect(tokens(other, name), name).to.not.deep.equal(tokens(clip, name));
      dispose(noisy as never);
    }));

  it('rows of a pattern add up to 1, of CSA to 2', () =>
    withoutLeak(() => {
      for (const [name, attention] of Object.entries(attentions)) {
        if (name === 'identity') continue;
        const { 'image.blocks.3.attn.pattern': pattern } = run({ last: { attention }, see: ['blocks.3.attn.pattern'] });
        const sums = Array.from({ length: 2 * 2 * 17 }, (_, row) =>
          pattern!.subarray(row * 17, (row + 1) * 17).reduce((a, b) => a + b, 0),
        );
        expectClose(
          sums,
          sums.map(() => (name === 'csa' ? 2 : 1)),
          { maxAbs: 2e-6 },
          { name },
        );
      }
    }));

  it('GEM at temperature 0 adds one vector to all tokens of an image', () =>
    withoutLeak(() => {
      const last: Variant = { path: 'side', blocks: 2, attention: gem({ temperature: 0 }) };
      const seen = run({ last, see: ['side.*.attn_out', 'side.*.attn.pattern'] });
      expectClose(seen['image.side.blocks.2.attn.pattern']!, new Float32Array(2 * 2 * 17 * 17).fill(1 / 17), {
        maxAbs: 1e-6,
      });
      for (const block of [2, 3]) {
        const out = seen[`image.side.blocks.${block}.attn_out`]!;
        for (let image = 0; image < 2; image++) {
          const tokens = Array.from({ length: 17 }, (_, t) =>
            out.slice((image * 17 + t) * 128, (image * 17 + t + 1) * 128),
          );
          for (const token of tokens) expectClose(token, tokens[0]!, { maxAbs: 2e-6 });
        }
      }
    }));

  it('CLIP Surgery keeps CLIP’s class token: its row is the image embedding before normalisation', () =>
    withoutLeak(() => {
      const surgery = run({ last: methodByName('clipsurgery').variant, positions: 'bilinear' });
      const plain = run({ positions: 'bilinear' });
      expectClose(surgery.tokens!.subarray(0, 64), plain.pooled!.subarray(0, 64), { maxAbs: 1e-6 });
      expectClose(surgery.embedding!, plain.embedding!, { maxAbs: 1e-6 });
      expect(surgery.tokens!.slice(64)).to.not.deep.equal(plain.tokens!.slice(64));
    }));

  it('tokens, pooled and embedding agree with each other', () =>
    withoutLeak(() => {
      for (const name of methodNames) {
        const { tokens, pooled, embedding } = run({ last: methodByName(name).variant });
        for (let i = 0; i < 2; i++) {
          const row = pooled!.slice(i * 64, (i + 1) * 64);
          expect(tokens!.slice(i * 17 * 64, i * 17 * 64 + 64)).to.deep.equal(row);
          const length = Math.hypot(...row);
          expectClose(
            embedding!.subarray(i * 64, (i + 1) * 64),
            row.map(x => x / length),
            { maxAbs: 1e-6 },
          );
        }
      }
    }));

  it('q-k attention given by name, and a change of no block, are CLIP itself', () =>
    withoutLeak(() => {
      const plain = run({ see: ['*'] });
      expectSame(run({ see: ['*'], last: { attention: attentions.qk!, blocks: 4, residual: true, ffn: true } }), plain);
      const sum = run({ last: { path: 'sum' } });
      expect(sum.tokens).to.deep.equal(plain.tokens);
    }));
});
