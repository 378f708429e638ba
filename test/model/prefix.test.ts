import { expect } from 'chai';
import { attentions } from '../../src/attention/index.js';
import { InputError } from '../../src/errors.js';
import type { Clip } from '../../src/model/clip.js';
import type { Reads, Variant } from '../../src/model/imageTower.js';
import {
  joinReads,
  type Prefix,
  prefixFrom,
  prefixInputs,
  prefixNames,
  prefixTensors,
  readsOf,
} from '../../src/model/prefix.js';
import { methodByName } from '../../src/segment/methods.js';
import { methodNames } from '../../src/segment/protocols.js';
import { engineRunner, openRunner, type Runner } from '../../src/tensor/runner.js';
import { dispose, mean, memory, type Pixels, reshape, type Tensor, tidy, zeros } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose } from '../goldens.js';
import { deepClip, expectSame, madeUpImage, tinyClip, twoImages, valuesOf } from './tiny.js';

const published = methodNames.map(name => methodByName(name).variant).filter(({ guide }) => guide === undefined);
const variants: Variant[] = [
  ...published,
  { attention: attentions.qq!, residual: false, ffn: false, blocks: 2, path: 'sum' },
  { attention: attentions.identity!, blocks: 99 },
];
const images: Record<string, () => Pixels> = { square: twoImages, wide: () => madeUpImage(96, 48) };

describe('a prefix and its tails', () => {
  let clip: Clip;
  let ort: Runner;
  before(useEngine);
  before(async () => {
    clip = tinyClip();
    ort = await openRunner('ort', { threads: 1 });
  });
  after(async () => {
    await ort.dispose();
    clip.dispose();
  });

  for (const [size, pixels] of Object.entries(images)) {
    it(`are what one run gives, bit for bit, ${size}`, () =>
      withoutLeak(() => {
        for (const model of [clip, deepClip()]) {
          tidy(() => {
            const whole = model.variants(pixels(), variants).map(({ seen: _, ...output }) => valuesOf({ ...output }));
            const prefix = model.prefix(pixels(), readsOf(model.config.image!, variants));
            const parts = model.tails(prefix, variants).map(output => valuesOf({ ...output }));
            whole.forEach((expected, i) => {
              expectSame(parts[i]!, expected);
            });
          });
          if (model !== clip) model.dispose();
        }
      }));

    for (const kind of ['engine', 'ort'] as const) {
      it(`are what one run gives when each is prepared on its own, ${size}, ${kind}`, () =>
        withoutLeak(async () => {
          const { prepare } = kind === 'ort' ? ort : engineRunner;
          const config = clip.config.image!;
          const reads = readsOf(config, variants);
          const picture = { shape: ['batch', 3, 'height', 'width'] } as const;
          const whole = await prepare((x: Pixels) => clip.variants(x, variants).map(({ tokens }) => tokens), [picture]);
          const first = await prepare((x: Pixels) => prefixTensors(reads, clip.prefix(x, reads)), [picture]);
          const tails = await prepare(
            (...inputs: Tensor[]) => clip.tails(prefixFrom(reads, inputs), variants).map(({ tokens }) => tokens),
            prefixInputs(config, reads),
          );
          const given = pixels();
          const values = { data: given.dataSync() as Float32Array, shape: given.shape };
          given.dispose();
          const expected = await whole(values);
          const actual = await tails(...(await first(values)));
          expected.forEach(({ data, shape }, i) => {
            expectClose(actual[i]!.data, data, { maxAbs: 2e-5 }, { name: `variant ${i}`, shape });
          });
          await Promise.all([whole, first, tails].map(one => one.dispose()));
        }));
    }
  }

  it('holds mean patterns of blocks', () =>
    withoutLeak(() =>
      tidy(() => {
        const patterns = [
          { start: 0, end: 2 },
          { start: 1, end: 4 },
          { start: 3, end: 4 },
        ];
        const prefix = clip.prefix(twoImages(), { states: [], patterns });
        expect(Object.keys(prefix.states)).to.deep.equal([]);
        const { seen } = clip.image(twoImages(), { see: ['*.attn.pattern'] });
        const block = (i: number) => seen[`image.blocks.${i}.attn.pattern`]!.dataSync();
        const expected: Record<string, number[]> = { '0-1': [0, 1], '1-3': [1, 2, 3], '3-3': [3] };
        expect(Object.keys(prefix.patterns)).to.have.members(Object.keys(expected));
        for (const [name, blocks] of Object.entries(expected)) {
          const all = blocks.map(block);
          const average = all[0]!.map((_, at) => all.reduce((sum, one) => sum + one[at]!, 0) / all.length);
          expectClose(prefix.patterns[name]!.dataSync(), average, { maxAbs: 1e-6 }, { name });
        }
      }),
    ));

  it('leaves as many tensors as it holds', () => {
    const pixels = twoImages();
    const before = memory().numTensors;
    const prefix = clip.prefix(pixels, { states: [0, 4], patterns: [{ start: 1, end: 3 }] });
    expect(memory().numTensors - before).to.equal(5);
    dispose(prefix as never);
    pixels.dispose();
    expect(memory().numTensors).to.equal(before - 1);
  });

  it('joins what several ways read, each once and in order, under names', () => {
    const middle = { start: 1, end: 3 };
    const reads = joinReads([
      { states: [4, 1], patterns: [middle] },
      { states: [1, 0], patterns: [{ ...middle }] },
    ]);
    expect(reads).to.deep.equal({ states: [0, 1, 4], patterns: [middle] });
    expect(prefixNames({ states: [2], patterns: [middle] })).to.deep.equal([
      'states.2.classToken',
      'states.2.patches',
      'patterns.1-2',
    ]);
  });

  it('refuses blocks that are not there, and reads of nothing', () =>
    withoutLeak(() =>
      tidy(() => {
        const attempt = (reads: Reads) => () => clip.prefix(twoImages(), reads);
        expect(attempt({ states: [] })).to.throw(InputError, 'expected states or patterns to read, got none');
        for (const state of [-1, 5, 1.5, Number.NaN]) {
          expect(attempt({ states: [state] })).to.throw(InputError, `expected states from 0 to 4, got ${state}`);
        }
        for (const [start, end] of [
          [-1, 2],
          [2, 2],
          [3, 5],
          [0.5, 2],
        ] as const) {
          expect(attempt({ states: [3], patterns: [{ start, end }] })).to.throw(InputError, `got ${start} to ${end}`);
        }
        expect(() => clip.prefix(mean(twoImages(), 1, true) as Pixels, { states: [3] })).to.throw(InputError, 'pixels');
      }),
    ));

  it('refuses tails that read more than is there, and tensors that do not fit each other', () =>
    withoutLeak(() =>
      tidy(() => {
        const prefix = clip.prefix(twoImages(), { states: [2, 3], patterns: [{ start: 0, end: 2 }] });
        const tails =
          (given: Prefix, of: Variant[] = [{}]) =>
          () =>
            clip.tails(given, of);
        expect(tails(prefix, [])).to.throw(InputError, 'tails: expected at least one variant');
        expect(tails(prefix, [{ blocks: 3 }])).to.throw(
          InputError,
          'tails: a variant reads what enters block 1; the prefix holds 2, 3',
        );
        expect(tails(prefix, [methodByName('scclip').variant])).to.throw(InputError, 'use segment');
        expect(tails({ states: {}, patterns: {} })).to.throw(InputError, 'a prefix with states, got none');
        const other = { ...prefix.states[3]!, patches: zeros([2, 2, 8, 128]) as never };
        expect(tails({ ...prefix, states: { ...prefix.states, 3: other } })).to.throw(
          InputError,
          'tails: state 3: patches: expected [2, 4, 4, 128], got [2, 2, 8, 128]',
        );
        const turned = { '0-1': reshape(prefix.patterns['0-1']!, [4, 1, 17, 17]) as never };
        expect(tails({ ...prefix, patterns: turned })).to.throw(InputError, 'pattern 0-1: expected [2, 2, 17, 17]');
      }),
    ));
});
