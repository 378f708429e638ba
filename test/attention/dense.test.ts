import { expect } from 'chai';
import type { Attention } from '../../src/attention/attention.js';
import { gem } from '../../src/attention/gem.js';
import { attentions } from '../../src/attention/index.js';
import { gaussianNeighbourhood, naclip } from '../../src/attention/naclip.js';
import type { Clip, ImageOptions } from '../../src/model/clip.js';
import type { Variant } from '../../src/model/imageTower.js';
import { mergeHeads } from '../../src/tensor/ops/heads.js';
import { linear } from '../../src/tensor/ops/linear.js';
import { type Heads, slice, type Tensor, type Tensor3D, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose, findGolden, type GoldenTensor, readGolden } from '../goldens.js';
import { deepClip, pixelsOf, tinyClip } from '../model/tiny.js';

const golden = readGolden(findGolden('dense/dense.safetensors')!);
const tolerance = { maxAbs: 2e-4 };

function expectTensor(actual: Tensor, name: string) {
  const expected = golden[name]!;
  const [b, n, w] = actual.shape as [number, number, number];
  const patches = name.endsWith('.patches');
  const compared = patches ? slice(actual as Tensor3D, [0, 1, 0], [b, n - 1, w]) : actual;
  expect(compared.shape, name).to.deep.equal(expected.shape);
  expectClose(compared.dataSync(), expected.data as Float32Array, tolerance, { name, shape: expected.shape });
}

const off: Variant = { residual: false, ffn: false };
const variants: Record<string, Variant> = {
  'sclip.vanilla': {},
  'sclip.csa': { attention: attentions.csa! },
  'naclip.reduced.vanilla': off,
  'naclip.reduced.kk': { ...off, attention: attentions.kk! },
  'naclip.vanilla.vanilla': {},
  'naclip.vanilla.kk': { attention: attentions.kk! },
  'naclip.vanilla.csa': { attention: attentions.csa! },
  'clearclip.ClearCLIP.last_2_layers_summed.patches': { ...off, attention: attentions.qq!, blocks: 2, path: 'sum' },
};
const theirs = { vanilla: 'qk', MaskCLIP: 'identity', SCLIP: 'csa', ClearCLIP: 'qq' };
for (const [name, ours] of Object.entries(theirs)) {
  const attention = attentions[ours] as Attention;
  variants[`clearclip.${name}.no_residual_no_ffn.patches`] = { ...off, attention };
  variants[`clearclip.${name}.residual_ffn.patches`] = { attention };
}
for (const name of ['qk', 'qq', 'kk', 'vv', 'csa', 'identity']) {
  for (const residual of [0, 1]) {
    for (const ffn of [0, 1]) {
      const variant = { attention: attentions[name] as Attention, residual: residual === 1, ffn: ffn === 1 };
      variants[`own.${name}.residual${residual}.ffn${ffn}`] = variant;
    }
  }
}
for (const name of ['qk', 'qq']) {
  for (const alpha of [0, 0.5, 1, 2, 5, 10]) {
    for (const ffn of [0, 1]) {
      const variant = { attention: attentions[name] as Attention, residual: alpha, ffn: ffn === 1 };
      variants[`own.alpha.${name}.alpha${alpha}.ffn${ffn}`] = variant;
    }
  }
}
for (const sigma of [1, 5]) {
  for (const [strategy, similarity] of [
    ['naclip', 'kk'],
    ['nonly', 'none'],
  ] as const) {
    const attention = naclip({ sigma, similarity });
    variants[`naclip.reduced.${strategy}.std${sigma}`] = { ...off, attention };
    variants[`naclip.vanilla.${strategy}.std${sigma}`] = { attention };
  }
}

describe('dense features against the published code', () => {
  before(useEngine);

  describe('four blocks', () => {
    let clip: Clip;
    before(() => {
      clip = tinyClip();
    });
    after(() => clip.dispose());
    const run = (input: string, last: Variant, options: ImageOptions = {}) =>
      clip.image(pixelsOf(golden[`${input}/pixels`]!), { ...options, last });

    for (const input of ['square', 'wide']) {
      for (const [name, variant] of Object.entries(variants)) {
        const full = `${input}/${name}`;
        if (!golden[full]) throw new Error(`no golden '${full}'`);
        it(full, () => withoutLeak(() => tidy(() => expectTensor(run(input, variant).tokens, full))));
      }

      const side: Variant = { blocks: 3, path: 'side', attention: gem() };
      const gems: Record<string, Variant> = {
        'gem.tiny.last3blocks': side,
        'gem.tiny.last3blocks.iter2': { ...side, attention: gem({ iterations: 2 }) },
        'gem.tiny.last3blocks.temp10': { ...side, attention: gem({ temperature: 10 }) },
        'gem.tiny.last3blocks.original_path': {},
      };
      for (const [name, variant] of Object.entries(gems)) {
        const full = `${input}/${name}`;
        if (!golden[full]) continue;
        it(full, () =>
          withoutLeak(() => tidy(() => expectTensor(run(input, variant, { positions: 'antialias' }).tokens, full))),
        );
      }

      it(`${input}: the addition of NACLIP`, () =>
        withoutLeak(() =>
          tidy(() => {
            const grid = input === 'square' ? { rows: 4, columns: 4 } : { rows: 6, columns: 4 };
            for (const sigma of [1, 5]) {
              const expected = golden[`${input}/naclip.reduced.naclip.std${sigma}.addition`]!.data as Float32Array;
              expectClose(gaussianNeighbourhood(grid, sigma).dataSync(), expected, { maxAbs: 1e-6 });
            }
          }),
        ));

      it(`${input}: MaskCLIP with the repository's GELU and epsilon, and its keys after the output projection`, () =>
        withoutLeak(() => {
          const repository = tinyClip(config => ({
            ...config,
            image: { ...config.image!, activation: 'gelu', layerNormEpsilon: 1e-6 },
          }));
          for (const [model, name] of [
            [repository, 'repo_gelu_eps1e-6'],
            [clip, 'quickgelu_eps1e-5'],
          ] as const) {
            tidy(() => {
              const { tokens, seen } = model.image(pixelsOf(golden[`${input}/pixels`]!), {
                last: { attention: attentions.identity! },
                positions: 'exact',
                see: ['blocks.3.attn.k'],
              });
              expectTensor(tokens, `${input}/maskclip.${name}.patches`);
              const keys = mergeHeads(seen['image.blocks.3.attn.k'] as Heads);
              const out = model.weights.image!.blocks[3]!.out;
              expectTensor(linear(keys, out), `${input}/maskclip.${name}.k_after_out_proj.patches`);
            });
          }
          repository.dispose();
        }));
    }

    it('last-block attention weights', () =>
      withoutLeak(() =>
        tidy(() => {
          for (const name of ['qk', 'qq', 'kk', 'vv', 'csa']) {
            const last = { attention: attentions[name] as Attention };
            const { seen } = run('square', last, { see: ['blocks.3.attn.pattern'] });
            const full = `square/own.${name}.attention`;
            const expected = golden[full] as GoldenTensor;
            const actual = seen['image.blocks.3.attn.pattern']!;
            expect(actual.shape).to.deep.equal(expected.shape);
            expectClose(actual.dataSync(), expected.data as Float32Array, tolerance, {
              name: full,
              shape: actual.shape,
            });
          }
        }),
      ));

    for (const size of ['square', '128x128']) {
      it(`surgery, three blocks, ${size}`, () =>
        withoutLeak(() => tidy(() => surgery(clip, 3, size, 'tiny.last3blocks'))));
    }
  });

  describe('seven blocks', () => {
    let clip: Clip;
    before(() => {
      clip = deepClip();
    });
    after(() => clip.dispose());

    for (const input of ['square', 'wide']) {
      for (const [name, last] of [
        ['gem.deep7.default_depth7', { blocks: 6, path: 'side', attention: gem() }],
        ['gem.deep7.default_depth7.original_path', {}],
      ] as [string, Variant][]) {
        it(`${input}/${name}`, () =>
          withoutLeak(() =>
            tidy(() => {
              const options: ImageOptions = { last, positions: 'antialias' };
              const { tokens } = clip.image(pixelsOf(golden[`${input}/pixels`]!), options);
              expectTensor(tokens, `${input}/${name}`);
            }),
          ));
      }
    }

    for (const size of ['square', '128x128']) {
      it(`surgery, six blocks, ${size}`, () =>
        withoutLeak(() => tidy(() => surgery(clip, 6, size, 'deep7.last6blocks'))));
    }
  });
});

function surgery(clip: Clip, blocks: number, size: string, name: string) {
  const last: Variant = { blocks, path: 'side', classToken: 'stream', attention: attentions.vv! };
  const pixels = pixelsOf(golden[`surgery/${size}.pixels`]!);
  const { tokens } = clip.image(pixels, { last, positions: 'bilinear' });
  expectTensor(tokens, `surgery/${name}.${size}.features`);
}
