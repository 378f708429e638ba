import { expect } from 'chai';
import { attentions } from '../../src/attention/index.js';
import { InputError } from '../../src/errors.js';
import type { Clip, ImageOptions } from '../../src/model/clip.js';
import type { Patch } from '../../src/model/points.js';
import { add, cast, mul, ones, reshape, type Tensor, tidy, zeros } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose } from '../goldens.js';
import { expectSame, tinyClip, twoImages, valuesOf } from './tiny.js';

const erase: Patch = value => zeros(value.shape);

describe('patches', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  const run = (options: ImageOptions = {}) =>
    tidy(() => {
      const { seen, tokens, pooled, embedding } = clip.image(twoImages(), options);
      return { ...valuesOf(seen), ...valuesOf({ tokens, pooled, embedding }) };
    });

  it('change what comes after: an erased stream leaves the next block its biases', () =>
    withoutLeak(() => {
      const see = ['blocks.1.*', 'blocks.2.resid_pre', 'blocks.2.ln1', 'blocks.2.attn.*'];
      const patched = run({ patch: { 'blocks.1.resid_post': erase }, see });
      const plain = run({ see });
      for (const name of Object.keys(plain).filter(key => key.startsWith('image.blocks.1.'))) {
        if (name.endsWith('resid_post')) expect(patched[name]!.every(x => x === 0)).to.equal(true);
        else expect(patched[name], name).to.deep.equal(plain[name]);
      }
      const bias = clip.weights.image!.blocks[2]!.ln1.bias.dataSync();
      expect(patched['image.blocks.2.resid_pre']!.every(x => x === 0)).to.equal(true);
      const everywhere = Float32Array.from({ length: 2 * 17 * 128 }, (_, i) => bias[i % 128]!);
      expectClose(patched['image.blocks.2.ln1']!, everywhere, { maxAbs: 1e-6 });
      // Tokens alike attend to all alike, whatever the image was.
      expectClose(patched['image.blocks.2.attn.pattern']!, new Float32Array(2 * 2 * 17 * 17).fill(1 / 17), {
        maxAbs: 1e-6,
      });
      const [first, second] = [patched.pooled!.slice(0, 64), patched.pooled!.slice(64)];
      expectClose(first, second, { maxAbs: 1e-5 });
      expect(plain.pooled!.slice(0, 64)).to.not.deep.equal(plain.pooled!.slice(64));
    }));

  it('that give nothing, or what they got, change nothing', () =>
    withoutLeak(() => {
      const see = ['*'];
      const plain = run({ see });
      expectSame(run({ see, patch: { '*': () => undefined } }), plain);
      expectSame(run({ see, patch: { '*': value => value } }), plain);
      expectSame(run({ see, patch: {} }), plain);
      const before = tidy(() => valuesOf({ ...clip.text([[510, 9, 511]], { see }).seen }));
      const after = tidy(() => valuesOf(clip.text([[510, 9, 511]], { see, patch: { '*': () => undefined } }).seen));
      expectSame(after, before);
    }));

  it('get every point once, under its full name, with its value', () =>
    withoutLeak(() => {
      const got: Record<string, Float32Array> = {};
      const note: Patch = (value, name) => {
        if (name in got) throw new Error(`${name} came twice`);
        got[name] = (value.dataSync() as Float32Array).slice();
        return undefined;
      };
      const { tokens, pooled, embedding, ...seen } = run({ see: ['*'], patch: { '*': note } });
      expectSame(got, seen);
      expect([got['image.tokens'], got['image.pooled'], got['image.embedding']]).to.deep.equal([
        tokens,
        pooled,
        embedding,
      ]);
    }));

  it('by glob change every point they name', () =>
    withoutLeak(() => {
      const patched = run({ patch: { 'blocks.*.attn_out': erase } });
      const off = { residual: 0 };
      const without = run({ blocks: { 0: off, 1: off, 2: off }, last: off });
      expectSame(patched, without);
    }));

  it('on one point follow each other in the order given', () =>
    withoutLeak(() => {
      const patch: Record<string, Patch> = { pooled: value => mul(value, 2), 'image.pool*': value => add(value, 1) };
      const plain = run();
      const patched = run({ patch, see: ['pooled'] });
      expectClose(
        patched['image.pooled']!,
        plain.pooled!.map(x => 2 * x + 1),
        { maxAbs: 1e-6 },
      );
      expect(patched.pooled).to.deep.equal(patched['image.pooled']);
    }));

  it('at the end change the outputs', () =>
    withoutLeak(() => {
      const blank = run({ patch: { tokens: erase } });
      for (const name of ['tokens', 'pooled', 'embedding']) expect(blank[name]!.every(x => x === 0)).to.equal(true);
      const { pooled, embedding } = run({ patch: { embedding: value => mul(value, 5) } });
      const plain = run();
      expect(pooled).to.deep.equal(plain.pooled);
      expectClose(
        embedding!,
        plain.embedding!.map(x => 5 * x),
        { maxAbs: 1e-6 },
      );
    }));

  it('reach into an attention', () =>
    withoutLeak(() => {
      for (const attention of [attentions.qq!, attentions.csa!, attentions.gem!, attentions.naclip!]) {
        const { 'image.blocks.3.attn.z': z } = run({
          last: { attention },
          patch: { 'blocks.3.attn.pattern': erase },
          see: ['blocks.3.attn.z'],
        });
        expect(z!.every(x => x === 0)).to.equal(true);
      }
    }));

  it('can carry a value from one point to another', () =>
    withoutLeak(() => {
      let kept: Tensor | undefined;
      const keepIt: Patch = value => {
        kept = value;
        return undefined;
      };
      const patch: Record<string, Patch> = { 'blocks.1.resid_pre': keepIt, 'blocks.1.resid_post': () => kept };
      const skipped = run({ patch, see: ['blocks.1.resid_pre', 'blocks.2.resid_pre'] });
      expect(skipped['image.blocks.2.resid_pre']).to.deep.equal(skipped['image.blocks.1.resid_pre']);
    }));

  it('leave a tensor of the caller’s alive', () =>
    withoutLeak(() => {
      const mine = ones([2, 17, 128]);
      for (const name of ['blocks.0.resid_post', 'blocks.3.attn_out', 'ln_post']) {
        run({ patch: { [name]: () => mine }, see: [name] });
        expect(mine.isDisposed, name).to.equal(false);
      }
      expect(mine.dataSync()[0]).to.equal(1);
      mine.dispose();
    }));

  it('leave what was seen alive when the caller’s tensor is gone', () =>
    withoutLeak(() =>
      tidy(() => {
        const mine = ones([2, 17, 128]);
        const { seen } = clip.image(twoImages(), { patch: { ln_post: () => mine }, see: ['ln_post'] });
        mine.dispose();
        expect(seen['image.ln_post']!.dataSync()[5]).to.equal(1);
      }),
    ));

  const refusal = (patch: Record<string, Patch>, options: ImageOptions = {}) => {
    try {
      run({ patch, ...options });
    } catch (error) {
      expect(error).to.be.instanceOf(InputError);
      return (error as Error).message;
    }
    throw new Error('the patch was accepted');
  };

  it('of another shape or dtype are refused', () =>
    withoutLeak(() => {
      expect(refusal({ 'blocks.0.ln1': () => zeros([2, 16, 128]) })).to.equal(
        "patch 'image.blocks.0.ln1': expected a tensor of shape [2,17,128], got [2,16,128]",
      );
      expect(refusal({ 'blocks.3.ln1': value => reshape(value, [2, 128, 17]) })).to.include('got [2,128,17]');
      expect(refusal({ pooled: value => cast(value, 'int32') })).to.equal(
        "patch 'image.pooled': expected a tensor of float32, got int32",
      );
      const late = (async () => zeros([2, 64])) as unknown as Patch;
      expect(refusal({ pooled: late })).to.include('expected a tensor of shape [2,64], got [undefined]');
    }));

  it('of no point, or one the run leaves out, are refused', () =>
    withoutLeak(() => {
      expect(refusal({ 'blocks.0.attn_in': erase })).to.include(
        "no point 'blocks.0.attn_in'; nearest: image.blocks.0.",
      );
      const last = { attention: attentions.identity! };
      expect(refusal({ 'blocks.3.attn.pattern': erase }, { last })).to.include("did not visit 'blocks.3.attn.pattern'");
      expect(() => clip.text([[510, 511]], { patch: { 'blocks.5.ln1': erase } })).to.throw(InputError, 'no point');
    }));

  it('that throw end the run with their own error', () =>
    withoutLeak(() => {
      for (const name of ['embed.patch', 'blocks.2.mlp.pre', 'blocks.3.attn.scores', 'tokens']) {
        const patch: Record<string, Patch> = {
          [name]: () => {
            throw new RangeError(`mine at ${name}`);
          },
        };
        expect(() => run({ patch, see: ['*'] })).to.throw(RangeError, `mine at ${name}`);
      }
    }));

  it('change the text tower too, and what is seen there', () =>
    withoutLeak(() =>
      tidy(() => {
        const ids = [
          [510, 1, 2, 511],
          [510, 511],
        ];
        const patched = clip.text(ids, {
          patch: { 'text.blocks.0.*_out': erase },
          see: ['blocks.1.resid_pre', 'embed.pos'],
        });
        const seen = valuesOf(patched.seen);
        expect(seen['text.blocks.1.resid_pre']).to.deep.equal(seen['text.embed.pos']);
        const plain = clip.text(ids);
        expect(patched.pooled.dataSync()).to.not.deep.equal(plain.pooled.dataSync());
      }),
    ));
});
