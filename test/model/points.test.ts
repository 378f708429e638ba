import { expect } from 'chai';
import { attentions } from '../../src/attention/index.js';
import { InputError } from '../../src/errors.js';
import type { Clip, ImageOptions } from '../../src/model/clip.js';
import type { Variant } from '../../src/model/imageTower.js';
import { imagePoints, textPoints } from '../../src/model/pointNames.js';
import { methodByName } from '../../src/segment/methods.js';
import { type Pixels, slice, tidy } from '../../src/tensor/tfjs.js';
import { cpuTime } from '../cpuTime.js';
import { useEngine, withoutLeak } from '../engine.js';
import { madeUpImage, tinyClip, twoImages } from './tiny.js';

const both = ['attn.scores', 'attn.pattern'];
const blocksOf = (last: number, side = '') =>
  Array.from({ length: last }, (_, i) => `image.${side}blocks.${4 - last + i}.`);

/** A variant, and which of the listed points its attention never passes. */
const variants: Record<string, { last: Variant; leavesOut?: string[]; in?: string[] }> = {
  'as trained': { last: {} },
  'ffn off': { last: { ffn: false } },
  'ffn off in two blocks': { last: { ffn: false, blocks: 2 } },
  'residual off': { last: { residual: false } },
  'both off': { last: { residual: false, ffn: false } },
  'all blocks and more': { last: { ffn: false, blocks: 9 } },
  identity: { last: { attention: attentions.identity! }, leavesOut: both, in: blocksOf(1) },
  csa: { last: { attention: attentions.csa! }, leavesOut: ['attn.scores'], in: blocksOf(1) },
  gem: { last: { attention: attentions.gem! }, leavesOut: ['attn.scores'], in: blocksOf(1) },
  naclip: { last: { ...methodByName('naclip').variant } },
  'side path': { last: { path: 'side', blocks: 3 } },
  'side path told to have no FFN': { last: { path: 'side', blocks: 2, ffn: false } },
  'side path with FFN': { last: { path: 'side', blocks: 2, ffn: true } },
  'side path with the class token of the stream': { last: { path: 'side', blocks: 2, classToken: 'stream' } },
  'side path over all blocks': { last: { path: 'side', blocks: 6 } },
  'GEM as published': { last: methodByName('gem').variant, leavesOut: ['attn.scores'], in: blocksOf(4, 'side.') },
  'CLIP Surgery as published': { last: methodByName('clipsurgery').variant },
  'sum of two': { last: { path: 'sum', blocks: 2 } },
  'sum of three without FFN': { last: { path: 'sum', blocks: 3, ffn: false, residual: false } },
};

describe('named points', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  const seenIn = (pixels: Pixels, options: ImageOptions) =>
    Object.entries(clip.image(pixels, options).seen).map(([name, { shape }]) => ({ name, shape: [...shape] }));

  for (const [label, { last, leavesOut = [], in: blocks = [] }] of Object.entries(variants)) {
    it(`are visited as listed, in that order, with those shapes: ${label}`, () =>
      withoutLeak(() =>
        tidy(() => {
          const { image, embedding } = clip.config;
          const missing = new Set(blocks.flatMap(block => leavesOut.map(name => block + name)));
          for (const [pixels, batch, height, width] of [
            [twoImages(), 2, 64, 64],
            [madeUpImage(32, 96), 1, 32, 96],
          ] as const) {
            const listed = imagePoints(image!, embedding, { batch, height, width }, last);
            expect(new Set(listed.map(({ name }) => name)).size, 'names are unique').to.equal(listed.length);
            for (const name of missing) expect(listed.map(point => point.name)).to.include(name);
            const expected = listed.filter(({ name }) => !missing.has(name));
            expect(seenIn(pixels, { last, see: ['*'] })).to.deep.equal(expected);
          }
        }),
      ));
  }

  it('are listed for the model’s own size and one image when no other is named', () => {
    const { image, text, embedding } = clip.config;
    expect(imagePoints(image!, embedding)).to.deep.equal(
      imagePoints(image!, embedding, { batch: 1, height: 64, width: 64 }),
    );
    expect(textPoints(text!, embedding)[0]).to.deep.equal({ name: 'text.embed.token', shape: [1, 77, 64] });
  });

  it('are visited as listed in the text tower', () =>
    withoutLeak(() =>
      tidy(() => {
        const { text, embedding } = clip.config;
        const { seen } = clip.text(
          [
            [510, 7, 511],
            [510, 3, 4, 5, 511],
          ],
          { see: ['*'] },
        );
        const visited = Object.entries(seen).map(([name, { shape }]) => ({ name, shape: [...shape] }));
        expect(visited).to.deep.equal(textPoints(text!, embedding, { batch: 2, tokens: 5 }));
      }),
    ));

  it('see the pixels that fill whole patches, and no others', () =>
    withoutLeak(() =>
      tidy(() => {
        const pixels = madeUpImage(70, 65);
        expect(seenIn(pixels, { see: ['embed.patch'] })).to.deep.equal([
          { name: 'image.embed.patch', shape: [1, 16, 128] },
        ]);
        const cut = slice(pixels, [0, 0, 0, 0], [1, 3, 64, 64]);
        const [ragged, whole] = [pixels, cut].map(p => clip.image(p).embedding.dataSync());
        expect(ragged).to.deep.equal(whole);
      }),
    ));

  const names = (see: string[], options: ImageOptions = {}) =>
    tidy(() => Object.keys(clip.image(twoImages(), { ...options, see }).seen));

  it('are asked for by name, with or without the tower in front', () => {
    expect(names(['blocks.1.attn.q'])).to.deep.equal(['image.blocks.1.attn.q']);
    expect(names(['image.blocks.1.attn.q', 'blocks.1.attn.q'])).to.deep.equal(['image.blocks.1.attn.q']);
  });

  it('are asked for by globs', () => {
    expect(names(['blocks.*.attn.q'])).to.deep.equal([0, 1, 2, 3].map(i => `image.blocks.${i}.attn.q`));
    expect(names(['image.*pool*'])).to.deep.equal(['image.pooled']);
    expect(names(['blocks.2.*_out', 'ln_*'])).to.deep.equal([
      'image.ln_pre',
      'image.blocks.2.attn_out',
      'image.blocks.2.mlp_out',
      'image.ln_post',
    ]);
    expect(names(['*.ln1'], { last: { path: 'side' } })).to.include('image.side.blocks.3.ln1');
  });

  it('are none when none is asked for', () =>
    withoutLeak(() => {
      expect(names([])).to.deep.equal([]);
      expect(tidy(() => clip.image(twoImages()).seen)).to.deep.equal({});
      expect(tidy(() => clip.text([[510, 511]], { see: [] }).seen)).to.deep.equal({});
    }));

  const refusal = (see: string[], options: ImageOptions = {}) => {
    try {
      names(see, options);
    } catch (error) {
      expect(error).to.be.instanceOf(InputError);
      return (error as Error).message;
    }
    throw new Error(`'${see}' was accepted`);
  };

  it('that do not exist are refused with the nearest', () =>
    withoutLeak(() => {
      expect(refusal(['blocks.3.atn_out'])).to.match(
        /^image tower: there is no point 'blocks\.3\.atn_out'; nearest: image\.blocks\.3\.attn_out\b/,
      );
      expect(refusal(['pooled', 'blocks.4.ln1'])).to.include("'blocks.4.ln1'; nearest: image.blocks.");
      expect(refusal(['blocks.3.mlp_out'], { last: { ffn: false } })).to.match(
        /nearest: image\.blocks\.[012]\.mlp_out/,
      );
      expect(refusal(['blocks.3.ln1'], { last: { path: 'side' } })).to.include('nearest: image.');
      expect(refusal(['quite another thing'])).to.include('nearest: image.embed.patch, ');
      expect(() => clip.text([[510, 511]], { see: ['blocks.7.ln1'] })).to.throw(InputError, 'nearest: text.blocks.');
    }));

  it('of the other tower are refused as such', () => {
    expect(refusal(['text.blocks.0.ln1'])).to.equal(
      "image tower: there is no point 'text.blocks.0.ln1' (a point of the text tower)",
    );
    expect(() => clip.text([[510, 511]], { see: ['image.pooled'] })).to.throw(
      InputError,
      '(a point of the image tower)',
    );
  });

  it('that a run leaves out are refused with the nearest it visited', () =>
    withoutLeak(() => {
      const last = { attention: attentions.csa! };
      expect(refusal(['blocks.3.attn.scores'], { last })).to.match(
        /^image tower: this run did not visit 'blocks\.3\.attn\.scores' .*; nearest visited: image\.blocks\.[012]\.attn\.scores/,
      );
      expect(refusal(['blocks.1.mlp*'], { blocks: { 1: { ffn: false } } })).to.include('did not visit');
      // A glob may match more than is there, as long as it matches something.
      expect(names(['blocks.3.attn.*'], { last })).to.include('image.blocks.3.attn.pattern');
    }));

  it('take everything but * literally, and any number of * in no time', async () => {
    for (const name of ['blocksX0.ln1', 'blocks.[0-3].ln1', 'blocks.0.ln1|pooled', '(.+)+$', 'blocks.?.ln1', '']) {
      expect(refusal([name])).to.include(`'${name}'`);
    }
    expect(await cpuTime(() => refusal([`${'*'.repeat(60)}x`]))).to.be.below(1000);
  });
});
