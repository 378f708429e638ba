import { expect } from 'chai';
import type { Attention } from '../../src/attention/attention.js';
import { attentions } from '../../src/attention/index.js';
import { mix, scores, softmax } from '../../src/attention/parts.js';
import { InputError } from '../../src/errors.js';
import type { BlockOptions } from '../../src/model/block.js';
import { type Clip, createClip, type ImageOptions } from '../../src/model/clip.js';
import type { Variant } from '../../src/model/imageTower.js';
import { add, dispose, type Scalar, scalar, type Tensor, tensor, tensor1d, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose } from '../goldens.js';
import { expectSame, tinyClip, twoImages, valuesOf } from './tiny.js';

describe('blocks done differently', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  const run = (options: ImageOptions = {}) =>
    tidy(() => {
      const { seen, ...output } = clip.image(twoImages(), options);
      return { ...valuesOf(seen), ...valuesOf({ ...output }) };
    });

  describe('by an attention of one’s own', () => {
    const clearer: Attention = ({ q, k, v, scale }) => mix(softmax(add(scores(q, q, scale), scores(k, k, scale))), v);
    const ownCsa: Attention = ({ q, k, v, scale }) =>
      add(mix(softmax(scores(q, q, scale)), v), mix(softmax(scores(k, k, scale)), v));

    it('that says what CSA says, gives what CSA gives', () =>
      withoutLeak(() => {
        for (const rest of [{}, { residual: false, ffn: false }, { blocks: 3 }] as Variant[]) {
          const mine = run({ last: { ...rest, attention: ownCsa } });
          const csa = run({ last: { ...rest, attention: attentions.csa! } });
          expectClose(mine.tokens!, csa.tokens!, { maxAbs: 2e-5 });
        }
        expect(run({ last: { attention: clearer } }).tokens).to.not.deep.equal(
          run({ last: { attention: ownCsa } }).tokens,
        );
      }));

    it('gets what its types say', () =>
      withoutLeak(() => {
        const calls: object[] = [];
        const curious: Attention = ({ q, k, v, input, scale, grid, mask }) => {
          calls.push({ shapes: [q, k, v, input].map(t => t.shape), scale, grid, mask: mask?.shape });
          return v;
        };
        run({ last: { attention: curious } });
        const heads = [2, 2, 17, 64];
        const square = { shapes: [heads, heads, heads, [2, 17, 128]], scale: 1 / 8, grid: { rows: 4, columns: 4 } };
        expect(calls).to.deep.equal([{ ...square, mask: undefined }]);
        calls.length = 0;
        tidy(() => valuesOf(clip.text([[510, 3, 511]], { blocks: { 1: { attention: curious } } }).seen));
        const words = [1, 1, 3, 64];
        expect(calls).to.deep.equal([
          { shapes: [words, words, words, [1, 3, 64]], scale: 1 / 8, grid: undefined, mask: [3, 3] },
        ]);
      }));

    it('hides the points that it does not name, and only those', () =>
      withoutLeak(() => {
        const last = { attention: clearer };
        expect(() => run({ last, see: ['blocks.3.attn.pattern'] })).to.throw(InputError, 'did not visit');
        expect(Object.keys(run({ last, see: ['blocks.3.attn.*'] })).filter(name => name.includes('.'))).to.deep.equal(
          ['q', 'k', 'v', 'z'].map(name => `image.blocks.3.attn.${name}`),
        );
        const naming: Attention = ({ q, v, scale, point }) => mix(point('pattern', softmax(scores(q, q, scale))), v);
        const { 'image.blocks.3.attn.pattern': pattern } = run({ last: { attention: naming }, see: ['*.pattern'] });
        const qq = run({ last: { attention: attentions.qq! }, see: ['*.pattern'] });
        expect(pattern).to.deep.equal(qq['image.blocks.3.attn.pattern']);
      }));

    it('that throws leaves nothing, and its error as it was', () =>
      withoutLeak(() =>
        tidy(() => {
          const failing: Attention = ({ q, k, scale }) => {
            scores(q, k, scale);
            throw new RangeError('mine');
          };
          for (const options of [
            { last: { attention: failing } },
            { last: { attention: failing, path: 'side', blocks: 2 } },
            { blocks: { 0: { attention: failing } }, see: ['embed.*'] },
          ] as ImageOptions[]) {
            const pixels = twoImages();
            expect(() => clip.image(pixels, options)).to.throw(RangeError, 'mine');
          }
          expect(() => clip.text([[510, 511]], { blocks: { 0: { attention: failing } } })).to.throw(RangeError, 'mine');
        }),
      ));
  });

  const changes: BlockOptions[] = [
    { attention: attentions.csa! },
    { attention: attentions.identity!, residual: false },
    { ffn: false },
    { residual: 0.5, ffn: false },
  ];

  it('at the end are what `last` does', () =>
    withoutLeak(() => {
      for (const change of changes) {
        expectSame(run({ blocks: { 3: change } }), run({ last: change }));
        expectSame(run({ blocks: { 2: change, 3: change } }), run({ last: { ...change, blocks: 2 } }));
      }
    }));

  it('in the middle are what a tower cut there would do', () =>
    withoutLeak(() => {
      const { image } = clip.weights;
      // Blocks 0 and 1 alone: a tower whose last block is block 1.
      const cut = createClip(
        { ...clip.config, image: { ...clip.config.image!, layers: 2 } },
        { ...clip.weights, image: { ...image!, blocks: image!.blocks.slice(0, 2) } },
      );
      for (const change of changes) {
        const middle = run({ blocks: { 1: change }, see: ['blocks.1.resid_post', 'blocks.3.resid_post'] });
        const end = tidy(() => valuesOf(cut.image(twoImages(), { last: change, see: ['blocks.1.resid_post'] }).seen));
        expect(middle['image.blocks.1.resid_post']).to.deep.equal(end['image.blocks.1.resid_post']);
        expect(middle['image.blocks.3.resid_post']).to.not.deep.equal(
          run({ see: ['blocks.3.resid_post'] })['image.blocks.3.resid_post'],
        );
      }
    }));

  it('give way to what `last` says of the same block, and keep the rest', () =>
    withoutLeak(() => {
      const attention = attentions.kk!;
      const both = run({ blocks: { 3: { attention: attentions.vv!, ffn: false } }, last: { attention } });
      expectSame(both, run({ last: { attention, ffn: false } }));
    }));

  it('stand in the stream beside a side path, not on it', () =>
    withoutLeak(() => {
      const last: Variant = { path: 'side', blocks: 2, attention: attentions.vv!, classToken: 'stream' };
      const see = ['blocks.2.mlp_out', 'side.blocks.2.attn_out', 'blocks.3.resid_post'];
      const plain = run({ last, see });
      const changed = run({ last, see, blocks: { 3: { residual: false } } });
      for (const name of ['image.blocks.2.mlp_out', 'image.side.blocks.2.attn_out']) {
        expect(changed[name]).to.deep.equal(plain[name]);
      }
      expect(changed['image.blocks.3.resid_post']).to.not.deep.equal(plain['image.blocks.3.resid_post']);
      expect(changed.pooled).to.not.deep.equal(plain.pooled);
    }));

  describe('in the text tower', () => {
    const ids = [
      [510, 17, 300, 41, 511],
      [510, 2, 511],
    ];
    const embeddings = (change: BlockOptions, context: 'needed' | 'full' = 'needed') =>
      tidy(() =>
        clip
          .text(ids, { blocks: { 1: change }, context })
          .embedding.dataSync()
          .slice(),
      );

    it('swap the attention, which stays causal: what follows the end token changes nothing', () =>
      withoutLeak(() => {
        const seen = new Set<string>();
        for (const name of ['qk', 'qq', 'kk', 'vv', 'csa', 'identity']) {
          const attention = attentions[name]!;
          expectClose(embeddings({ attention }, 'full'), embeddings({ attention }), { maxAbs: 1e-5 });
          seen.add(String(embeddings({ attention })));
        }
        expect(seen.size).to.equal(6);
        expect(embeddings({ attention: attentions.qk! })).to.deep.equal(embeddings({}));
      }));

    it('drop the residual and the FFN', () =>
      withoutLeak(() =>
        tidy(() => {
          const blocks = { 0: { residual: false, ffn: false } };
          const { seen } = clip.text(ids, { blocks, see: ['blocks.0.attn_out', 'blocks.1.resid_pre'] });
          const values = valuesOf(seen);
          expect(values['text.blocks.1.resid_pre']).to.deep.equal(values['text.blocks.0.attn_out']);
        }),
      ));

    for (const name of ['naclip', 'gem']) {
      it(`refuse ${name}, which needs a grid of patches`, () =>
        withoutLeak(() => {
          const blocks = { 0: { attention: attentions[name]! } };
          expect(() => clip.text(ids, { blocks })).to.throw(
            InputError,
            `${name}: expected an image tower with a patch grid; the text tower has none`,
          );
        }));
    }
  });

  it('that are not there, or with a residual that is no number, are refused', () =>
    withoutLeak(() =>
      tidy(() => {
        for (const index of ['4', '-1', '1.5', 'last', '']) {
          const blocks = { [index]: {} };
          expect(() => clip.image(twoImages(), { blocks }), index).to.throw(
            InputError,
            `blocks: expected indices 0 to 3, got '${index}'`,
          );
        }
        expect(() => clip.text(ids(), { blocks: { 2: {} } })).to.throw(InputError, "indices 0 to 1, got '2'");
        for (const residual of [Number.NaN, Number.POSITIVE_INFINITY]) {
          expect(() => clip.image(twoImages(), { blocks: { 0: { residual } } })).to.throw(InputError, 'blocks: 0: ');
          expect(() => clip.image(twoImages(), { last: { residual } })).to.throw(
            InputError,
            `last: expected a finite factor for the residual, got ${residual}`,
          );
        }
        for (const tensor of [tensor1d([1]), scalar(1, 'int32')]) {
          const residual = tensor as Scalar;
          expect(() => clip.image(twoImages(), { last: { residual } })).to.throw(
            InputError,
            `expected a factor for the residual as a float32 tensor of rank 0, got ${tensor.dtype} [${tensor.shape}]`,
          );
        }
        for (const blocks of [0, -1, 1.5, Number.NaN]) {
          expect(() => clip.image(twoImages(), { last: { blocks } })).to.throw(
            InputError,
            `last: expected a whole number of blocks from 1 up, got ${blocks}`,
          );
        }
      }),
    ));

  const ids = () => [[510, 511]];

  it('refuse pixels and ids that no tower can take', () =>
    withoutLeak(() => {
      const refuses = (values: Tensor, message: string) => {
        expect(() => clip.image(values as never)).to.throw(InputError, message);
        expect(() => clip.variants(values as never, [{}])).to.throw(InputError, message);
        dispose(values);
      };
      const zeros = (...shape: number[]) => tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
      refuses(zeros(3, 64, 64), 'image: expected pixels [batch, 3, height, width], got [3,64,64]');
      refuses(zeros(1, 64, 64, 3), 'got [1,64,64,3]');
      refuses(zeros(0, 3, 64, 64), 'got [0,3,64,64]');
      refuses(zeros(1, 3, 64, 8), 'image tower: expected at least one patch of 16 x 16 pixels, got 64 x 8');
      refuses(tensor(new Int32Array(3 * 256), [1, 3, 16, 16], 'int32'), 'normalised pixels as float32, got int32');
    }));
});
