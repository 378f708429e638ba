import { expect } from 'chai';
import { gem } from '../../src/attention/gem.js';
import { attentions } from '../../src/attention/index.js';
import { naclip } from '../../src/attention/naclip.js';
import { InputError } from '../../src/errors.js';
import type { Clip, ImageOptions, WithSeen } from '../../src/model/clip.js';
import type { ImageOutput, Variant } from '../../src/model/imageTower.js';
import type { Patch } from '../../src/model/points.js';
import { positionModes } from '../../src/model/positions.js';
import { methodByName } from '../../src/segment/methods.js';
import { methodNames } from '../../src/segment/protocols.js';
import { dispose, memory, mul, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { deepClip, expectSame, madeUpImage, tinyClip, twoImages, valuesOf } from './tiny.js';

const variantOf = (name: string) => methodByName(name).variant;
const published = methodNames.map(variantOf).filter(({ guide }) => guide === undefined);
const off = { residual: false, ffn: false } as const;
const others: Variant[] = [
  { attention: attentions.kk!, residual: 2 },
  { attention: attentions.qq!, blocks: 3, residual: 0.5 },
  { ...off, attention: attentions.qq!, blocks: 2, path: 'sum' },
  { attention: naclip({ sigma: 1, similarity: 'none' }), blocks: 99 },
  { attention: gem({ iterations: 2, temperature: 3 }), blocks: 2, path: 'side', ffn: true },
  { attention: attentions.identity!, blocks: 2, path: 'side', classToken: 'stream' },
];

describe('variants over one shared run', () => {
  let tiny: Clip;
  before(useEngine);
  before(() => {
    tiny = tinyClip();
  });
  after(() => tiny.dispose());

  const outputOf = ({ seen, ...output }: ImageOutput & WithSeen) => ({
    seen: valuesOf(seen),
    output: valuesOf(output),
  });

  /** Bit for bit: the shared run does the very operations of the single ones. */
  function expectSingles(
    clip: Clip,
    variants: Variant[],
    options: Omit<ImageOptions, 'last'> = {},
    pixels = twoImages,
  ) {
    const shared = tidy(() => clip.variants(pixels(), variants, options).map(outputOf));
    expect(shared).to.have.length(variants.length);
    variants.forEach((last, i) => {
      const single = tidy(() => outputOf(clip.image(pixels(), { ...options, last })));
      expectSame(shared[i]!.output, single.output);
      expectSame(shared[i]!.seen, single.seen);
    });
    return shared;
  }

  it('are the seven methods run one by one', () =>
    withoutLeak(() => {
      const shared = expectSingles(tiny, published);
      expect(new Set(shared.map(({ output }) => String(output.tokens))).size).to.equal(7);
    }));

  it('are the seven methods on a deeper tower', () =>
    withoutLeak(() => {
      const deep = deepClip();
      expectSingles(deep, published);
      deep.dispose();
    }));

  it('are any variants run one by one, in any order', () =>
    withoutLeak(() => {
      expectSingles(tiny, others);
      expectSingles(tiny, [...others].reverse());
      expectSingles(tiny, [{}]);
    }));

  for (const positions of positionModes) {
    it(`are any variants run one by one on another grid, positions ${positions}`, () =>
      withoutLeak(() => {
        expectSingles(tiny, others, { positions }, () => madeUpImage(96, 48));
      }));
  }

  it('each see the shared blocks and their own changed ones', () =>
    withoutLeak(() => {
      const see = [
        'embed.*',
        'blocks.1.resid_post',
        'blocks.2.resid_post',
        'blocks.3.attn.q',
        'blocks.3.resid_post',
        'pooled',
      ];
      const main = [{}, { attention: attentions.csa! }, { ...off, blocks: 2, attention: attentions.qq! }];
      const shared = expectSingles(tiny, [...main, others[2]!], { see });
      const at = (name: string) => shared.map(({ seen }) => String(seen[`image.${name}`]));
      expect(new Set(at('blocks.1.resid_post')).size).to.equal(1);
      // Block 2 is the shared one for the first two, and done anew by the others: in the stream, and beside it.
      expect(new Set(at('blocks.2.resid_post')).size).to.equal(2);
      expect(new Set(at('blocks.3.resid_post')).size).to.equal(4);
    }));

  it('see the stream, not the blocks of a neighbour, beside a side path', () =>
    withoutLeak(() => {
      const see = ['blocks.2.*', 'embedding'];
      expectSingles(tiny, [variantOf('gem'), variantOf('clipsurgery'), {}], { see });
    }));

  it('do not see of the stream what they would not have run', () =>
    withoutLeak(() => {
      const [gemRun, surgery] = expectSingles(tiny, [variantOf('gem'), variantOf('clipsurgery')], {
        see: ['*.resid_post'],
      });
      expect(Object.keys(gemRun!.seen)).to.not.include('image.blocks.3.resid_post');
      expect(Object.keys(surgery!.seen)).to.include('image.blocks.3.resid_post');
    }));

  it('hold no more of the stream than they need', () =>
    withoutLeak(() => {
      const alive: number[] = [];
      const count: Patch = () => {
        alive.push(memory().numTensors);
        return undefined;
      };
      tidy(
        () =>
          void tiny.variants(twoImages(), [{}, { attention: attentions.csa! }], { patch: { 'blocks.*.ln1': count } }),
      );
      // Three in the stream, then one in each tail: the second beside the first one's three outputs.
      expect(alive.map(tensors => tensors - alive[0]!)).to.deep.equal([0, 0, 0, 0, 3]);
    }));

  it('are patched as they are one by one', () =>
    withoutLeak(() => {
      const twice: Patch = value => mul(value, 2);
      for (const patch of [
        { 'blocks.0.attn_out': twice },
        { 'blocks.2.attn_out': twice },
        { 'blocks.*.ln1': twice, tokens: twice },
      ]) {
        expectSingles(tiny, [{}, { attention: attentions.csa!, blocks: 2 }, others[2]!, variantOf('clipsurgery')], {
          patch,
          see: ['blocks.2.attn_out', 'tokens'],
        });
      }
    }));

  it('take blocks done differently under them', () =>
    withoutLeak(() => {
      const blocks = { 1: { attention: attentions.vv! }, 3: { ffn: false } };
      expectSingles(tiny, [...published, ...others], { blocks });
    }));

  it('own their outputs one by one', () =>
    withoutLeak(() => {
      const pixels = twoImages();
      const [first, second, third] = tiny.variants(pixels, [{}, {}, { attention: attentions.csa! }], {
        see: ['blocks.0.ln1', 'tokens', 'embedding'],
      });
      const expected = outputOf(first!);
      const free = ({ seen, ...output }: typeof first & object) =>
        dispose([...Object.values(output), ...Object.values(seen)]);
      free(first!);
      expect(outputOf(second!)).to.deep.equal(expected);
      free(second!);
      expect(third!.seen['image.blocks.0.ln1']!.dataSync()).to.deep.equal(expected.seen['image.blocks.0.ln1']);
      // What is seen is apart from the output it may be equal to.
      third!.embedding.dispose();
      expect(third!.seen['image.embedding']!.isDisposed).to.equal(false);
      expect(third!.pooled.isDisposed).to.equal(false);
      free(third!);
      pixels.dispose();
    }));

  it('give as many tensors as are returned', () => {
    const pixels = twoImages();
    const before = memory().numTensors;
    const outputs = tiny.variants(pixels, [...published, ...others], { see: ['embed.patch', 'pooled'] });
    expect(memory().numTensors - before).to.equal(outputs.length * (3 + 2));
    for (const { seen, ...output } of outputs) dispose([...Object.values(output), ...Object.values(seen)]);
    pixels.dispose();
  });

  it('refuse a list of none, and a point that one of them has not', () =>
    withoutLeak(() =>
      tidy(() => {
        expect(() => tiny.variants(twoImages(), [])).to.throw(InputError, 'variants: expected at least one variant');
        const see = ['blocks.3.mlp_out'];
        expect(() => tiny.variants(twoImages(), [{}, off], { see })).to.throw(
          InputError,
          "no point 'blocks.3.mlp_out'",
        );
      }),
    ));

  it('that fail leave nothing of the others', () =>
    withoutLeak(() =>
      tidy(() => {
        const broken: Variant = {
          attention: () => {
            throw new Error('mine');
          },
        };
        const pixels = twoImages();
        const before = memory().numTensors;
        for (const variants of [[{}, variantOf('gem'), broken], [broken], [{ ...broken, path: 'side' as const }, {}]]) {
          expect(() => tiny.variants(pixels, variants, { see: ['*'] })).to.throw('mine');
          expect(memory().numTensors).to.equal(before);
        }
      }),
    ));
});
