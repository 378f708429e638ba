import { expect } from 'chai';
import { attentions } from '../../src/attention/index.js';
import { InputError } from '../../src/errors.js';
import type { Clip, ImageOptions } from '../../src/model/clip.js';
import type { Patch } from '../../src/model/points.js';
import { dispose, mul, type Tensor, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { tinyClip, twoImages, valuesOf } from './tiny.js';

/** A patch at a place where the run must not come. */
const tooFar: Patch = (_, name) => {
  throw new Error(`the run went on to ${name}`);
};

describe('early stop', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  /** What a whole run sees, and what a run that stops sees; the latter must hold nothing else and leave nothing. */
  function bothWays(see: string[], options: ImageOptions, patch: Record<string, Patch>) {
    const whole = tidy(() => valuesOf(clip.image(twoImages(), { ...options, see }).seen));
    const pixels = twoImages();
    const stopped = clip.image(pixels, { ...options, see, patch, stop: true });
    expect(Object.keys(stopped)).to.deep.equal(['seen']);
    const values = valuesOf(stopped.seen);
    dispose([pixels, ...Object.values(stopped.seen)]);
    return { whole, stopped: values };
  }

  const side = { path: 'side', blocks: 2, attention: attentions.vv! } as const;
  const sum = { path: 'sum', blocks: 2, attention: attentions.identity! } as const;
  const cases: [label: string, see: string[], beyond: string, options?: ImageOptions][] = [
    ['before any block', ['embed.patch'], 'embed.pos'],
    ['in the middle of a block', ['blocks.1.attn.q'], 'blocks.1.attn.k'],
    ['at the end of a block', ['blocks.2.resid_post', 'blocks.0.ln1'], 'blocks.3.resid_pre'],
    ['with a glob', ['blocks.*.attn.pattern'], 'blocks.3.attn.z'],
    ['in the last block', ['blocks.3.attn.z'], 'blocks.3.attn_out'],
    ['at the first point of the last block', ['blocks.3.resid_pre'], 'blocks.3.ln1'],
    ['after the blocks', ['ln_post'], 'tokens'],
    ['in a changed block', ['blocks.2.mlp_out'], 'blocks.3.*', { last: { blocks: 3, attention: attentions.csa! } }],
    ['beside the stream', ['side.blocks.2.attn_out'], 'side.blocks.3.ln1', { last: side }],
    ['in the stream beside a side path', ['blocks.1.resid_post'], 'side.blocks.2.resid_pre', { last: side }],
    ['in a changed block of a sum', ['blocks.2.attn.z', 'blocks.1.ln1'], 'blocks.3.attn_out', { last: sum }],
  ];
  for (const [label, see, beyond, options = {}] of cases) {
    it(`ends the run ${label}`, () =>
      withoutLeak(() => {
        // In a sum the stream passes block 3 only when it must, so the patch there stands for the tail.
        const { whole, stopped } = bothWays(see, options, { [beyond]: tooFar });
        expect(stopped).to.deep.equal(whole);
        expect(() => tidy(() => clip.image(twoImages(), { ...options, patch: { [beyond]: tooFar } }))).to.throw(
          'the run went on',
        );
      }));
  }

  it('at the very end of the run gives what was seen alone', () =>
    withoutLeak(() => {
      const { whole, stopped } = bothWays(['pooled', 'embedding'], {}, {});
      expect(stopped).to.deep.equal(whole);
      expect(Object.keys(stopped)).to.deep.equal(['image.pooled', 'image.embedding']);
    }));

  it('comes at the end of the run when a glob names a point that the run leaves out', () =>
    withoutLeak(() => {
      const last = { attention: attentions.csa! };
      const { whole, stopped } = bothWays(['blocks.3.attn.*'], { last }, {});
      expect(stopped).to.deep.equal(whole);
      expect(Object.keys(stopped)).to.include('image.blocks.3.attn.z');
    }));

  it('does not excuse a name that the run leaves out', () =>
    withoutLeak(() => {
      const options = { last: { attention: attentions.csa! }, see: ['blocks.3.attn.scores'], stop: true } as const;
      expect(() => tidy(() => clip.image(twoImages(), options))).to.throw(InputError, 'did not visit');
    }));

  it('sees what a patch made of a point', () =>
    withoutLeak(() =>
      tidy(() => {
        const patch = { 'blocks.0.attn_out': (value: Tensor) => mul(value, 3) };
        const options = { see: ['blocks.0.attn_out'], stop: true } as const;
        const [plain, patched] = [{}, { patch }].map(
          extra => valuesOf(clip.image(twoImages(), { ...options, ...extra }).seen)['image.blocks.0.attn_out']!,
        );
        expect(patched).to.deep.equal(plain!.map(x => Math.fround(x * 3)));
      }),
    ));

  it('ends a run of the text tower', () =>
    withoutLeak(() => {
      const ids = [
        [510, 3, 4, 511],
        [510, 5, 511],
      ];
      const see = ['blocks.0.resid_post'];
      const whole = tidy(() => valuesOf(clip.text(ids, { see }).seen));
      const stopped = clip.text(ids, { see, stop: true, patch: { 'blocks.1.resid_pre': tooFar } });
      expect(Object.keys(stopped)).to.deep.equal(['seen']);
      expect(valuesOf(stopped.seen)).to.deep.equal(whole);
      dispose(Object.values(stopped.seen));
    }));

  it('gives the text tower’s last point alone', () =>
    withoutLeak(() => {
      for (const blocks of [{}, { 1: { attention: attentions.csa! } }]) {
        const stopped = clip.text([[510, 511]], { see: ['blocks.1.attn.*', 'embedding'], stop: true, blocks });
        expect(Object.keys(stopped)).to.deep.equal(['seen']);
        dispose(Object.values(stopped.seen));
      }
    }));

  it('needs something to stop at', () =>
    withoutLeak(() => {
      const message = "stop: expected points to see before stopping; 'see' is empty";
      for (const see of [{}, { see: [] }]) {
        expect(() => tidy(() => clip.image(twoImages(), { ...see, stop: true }))).to.throw(InputError, message);
        expect(() => clip.text([[510, 511]], { ...see, stop: true })).to.throw(InputError, message);
      }
    }));
});
