import { expect } from 'chai';
import { attentions } from '../../src/attention/index.js';
import { InputError } from '../../src/errors.js';
import { type Clip, createClip, type ImageOptions } from '../../src/model/clip.js';
import type { ImageWeights, Variant } from '../../src/model/imageTower.js';
import { imagePoints } from '../../src/model/pointNames.js';
import { prefixFrom, prefixInputs, prefixTensors, readsOf } from '../../src/model/prefix.js';
import { methodByName } from '../../src/segment/methods.js';
import { methodNames } from '../../src/segment/protocols.js';
import { enableGradients } from '../../src/tensor/gradients.js';
import { lossAndGradients } from '../../src/tensor/lossAndGradients.js';
import { openRunner, type Runner } from '../../src/tensor/runner.js';
import { add, mul, type Pixels, sum, type Tensor, tidy } from '../../src/tensor/tfjs.js';
import { leavesOf, restructure } from '../../src/tensor/trace/structure.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose } from '../goldens.js';
import { noise } from '../tensor/training.js';
import { evaClip, evaConfig } from './eva.js';
import { expectSame, madeUpImage, valuesOf } from './tiny.js';

const published = methodNames.map(name => methodByName(name).variant).filter(({ guide }) => guide === undefined);
const variants: Variant[] = [
  ...published,
  { attention: attentions.qq!, residual: false, ffn: false, blocks: 2, path: 'sum' },
  { attention: attentions.csa!, blocks: 99 },
];

describe('EVA02-CLIP’s image tower, a tower like any other', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = evaClip();
  });
  after(() => clip.dispose());

  const wide = () => madeUpImage(48, 96);

  it('visits its points as listed, in that order, with those shapes', () =>
    withoutLeak(() =>
      tidy(() => {
        for (const last of [{}, { ffn: false }, { path: 'side', blocks: 2, classToken: 'stream' }] as Variant[]) {
          const { seen } = clip.image(wide(), { last, see: ['*'] });
          const visited = Object.entries(seen).map(([name, { shape }]) => ({ name, shape: [...shape] }));
          expect(visited).to.deep.equal(imagePoints(evaConfig.image, 64, { height: 48, width: 96 }, last));
        }
        const { seen } = clip.image(wide(), { see: ['blocks.0.*'] });
        const own = ['attn.q_unrotated', 'attn.k_unrotated', 'attn.ln', 'mlp.up', 'mlp.ln'];
        expect(Object.keys(seen)).to.include.members(own.map(name => `image.blocks.0.${name}`));
        expect(() => clip.image(wide(), { see: ['ln_pre'] })).to.throw(InputError, "there is no point 'ln_pre'");
      }),
    ));

  it('turns queries and keys of patches alone', () =>
    withoutLeak(() =>
      tidy(() => {
        const values = valuesOf(clip.image(wide(), { see: ['blocks.1.attn.*'] }).seen);
        const [before, after] = ['q_unrotated', 'q'].map(name => values[`image.blocks.1.attn.${name}`]!);
        const classOf = (all: Float32Array) => all.subarray(0, 32);
        expect([...classOf(after!)]).to.deep.equal([...classOf(before!)]);
        // The first patch is at the origin, the next is not.
        expect([...after!.subarray(32, 64)]).to.deep.equal([...before!.subarray(32, 64)]);
        expect([...after!.subarray(64, 96)]).to.not.deep.equal([...before!.subarray(64, 96)]);
      }),
    ));

  it('takes a patch of any of its points, also before the turn', () =>
    withoutLeak(() =>
      tidy(() => {
        const still = { patch: { 'blocks.*.attn.q_unrotated': (x: Tensor) => mul(x, 0) } } satisfies ImageOptions;
        const see = ['blocks.2.attn.scores'];
        const { 'image.blocks.2.attn.scores': scores } = valuesOf(clip.image(wide(), { ...still, see }).seen);
        expect(new Set(scores!.map(Math.abs))).to.deep.equal(new Set([0]));
      }),
    ));

  it('has variants by one run, and a prefix with tails that give the same bit for bit', () =>
    withoutLeak(() =>
      tidy(() => {
        const whole = clip.variants(wide(), variants).map(({ seen: _, ...output }) => valuesOf({ ...output }));
        const prefix = clip.prefix(wide(), readsOf(evaConfig.image, variants));
        const parts = clip.tails(prefix, variants).map(output => valuesOf({ ...output }));
        whole.forEach((expected, i) => {
          expectSame(parts[i]!, expected);
        });
        expect(new Set(whole.map(({ tokens }) => String(tokens!.subarray(200, 204)))).size).to.be.greaterThan(6);
      }),
    ));

  describe('compiled', () => {
    let ort: Runner;
    before(async () => {
      ort = await openRunner('ort', { threads: 1 });
    });
    after(() => ort.dispose());

    it('gives what it gives eagerly, in one graph and in two, at two sizes', () =>
      withoutLeak(async () => {
        const reads = readsOf(evaConfig.image, variants);
        const picture = { shape: ['batch', 3, 'height', 'width'] } as const;
        const of = (x: Pixels) => clip.variants(x, variants).map(({ tokens }) => tokens);
        const whole = await ort.prepare(of, [picture]);
        const first = await ort.prepare((x: Pixels) => prefixTensors(reads, clip.prefix(x, reads)), [picture]);
        const tails = await ort.prepare(
          (...inputs: Tensor[]) => clip.tails(prefixFrom(reads, inputs), variants).map(({ tokens }) => tokens),
          prefixInputs(evaConfig.image, reads),
        );
        for (const [height, width] of [
          [64, 64],
          [48, 96],
        ] as const) {
          const expected = tidy(() => of(madeUpImage(height, width)).map(x => x.dataSync().slice()));
          const values = tidy(() => madeUpImage(height, width).dataSync().slice());
          const given = { data: values as Float32Array, shape: [1, 3, height, width] };
          const [one, two] = [await whole(given), await tails(...(await first(given)))];
          expected.forEach((data, i) => {
            for (const actual of [one, two]) expectClose(actual[i]!.data, data, { maxAbs: 2e-5 }, { name: `${i}` });
          });
        }
        await Promise.all([whole, first, tails].map(prepared => prepared.dispose()));
      }));

    it('has the gradients that it has eagerly, in its own block parts too', async () => {
      enableGradients();
      const last = { attention: attentions.identity! };
      const gradientsOf = (pixels: Pixels) => {
        const lossOf = (image: ImageWeights) => {
          const { embedding } = createClip(evaConfig, { image, logitScale: 1 }).image(pixels, { last });
          return sum(mul(embedding, noise([1, 64], 5)));
        };
        return leavesOf(lossAndGradients(lossOf, clip.weights.image!).gradients).map(({ tensor }) => tensor);
      };
      const fast = await ort.prepare(gradientsOf, [{ shape: [1, 3, 48, 32] }]);
      const [data, expected] = tidy(() => {
        const pixels = madeUpImage(48, 32);
        return [pixels.dataSync().slice(), gradientsOf(pixels).map(x => x.dataSync().slice())];
      }) as [Float32Array, Float32Array[]];
      const actual = await fast({ data, shape: [1, 3, 48, 32] });
      const names = leavesOf(clip.weights.image!).map(({ path }) => path.join('.'));
      expected.forEach((values, i) => {
        const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
        expectClose(actual[i]!.data, values, { maxAbs: 2e-5 * most }, { name: names[i]! });
      });
      await fast.dispose();
    });
  });

  it('has the gradient of finite differences, in every tensor', () =>
    withoutLeak(() =>
      tidy(() => {
        enableGradients();
        const pixels = madeUpImage(16, 48);
        const upstream = noise([1, 4, 64], 3);
        const shallow = { ...evaConfig, image: { ...evaConfig.image, layers: 1 } };
        const lossOf = (image: ImageWeights) =>
          sum(mul(createClip(shallow, { image, logitScale: 1 }).image(pixels).tokens, upstream));
        const weights = { ...clip.weights.image!, blocks: clip.weights.image!.blocks.slice(0, 1) };
        const { gradients } = lossAndGradients(lossOf, weights);
        const leaves = leavesOf(weights);
        const slopes = leavesOf(gradients);
        expect(leaves.length).to.equal(4 + 21 + 2 + 2);
        leaves.forEach(({ path, tensor }, at) => {
          const name = path.join('.');
          const size = (x: Tensor) => Math.sqrt(sum(mul(x, x)).dataSync<'float32'>()[0]!);
          const slope = slopes[at]!.tensor;
          // Half along the gradient, half another way, so that no part of it may be wrong or lacking.
          const another = noise(tensor.shape, at);
          const direction = add(mul(slope, 1 / size(slope)), mul(another, 1 / size(another)));
          const unit = mul(direction, 1 / size(direction));
          const expected = sum(mul(slope, unit)).dataSync<'float32'>()[0]!;
          // Short where the loss is steep, and so curved.
          const step = Math.min(2e-2, 0.5 / Math.abs(expected));
          const moved = (by: number) => {
            const changed = leaves.map((leaf, i) => (i === at ? add(leaf.tensor, mul(unit, by)) : leaf.tensor));
            return tidy(() => lossOf(restructure(weights, changed) as ImageWeights).dataSync<'float32'>()[0]!);
          };
          const measured = (moved(step) - moved(-step)) / (2 * step);
          expect(measured, name).to.be.closeTo(expected, 0.02 * Math.abs(expected) + 2e-2);
          expect(Math.abs(expected), name).to.be.greaterThan(0.05);
        });
      }),
    ));

  it('leaves queries and keys of a last block that does not use them without gradient', () =>
    withoutLeak(() =>
      tidy(() => {
        enableGradients();
        const last = { attention: attentions.identity! };
        const { gradients } = lossAndGradients(
          (image: ImageWeights) =>
            sum(createClip(evaConfig, { image, logitScale: 1 }).image(madeUpImage(32, 48), { last }).tokens),
          clip.weights.image!,
        );
        const largest = (of: object) =>
          Math.max(...leavesOf(of).flatMap(({ tensor }) => [...tensor.dataSync()].map(Math.abs)));
        const [first, , end] = gradients.blocks;
        for (const part of ['q', 'k'] as const) {
          expect(largest(end![part]), part).to.equal(0);
          expect(largest(first![part]), part).to.be.greaterThan(0);
        }
        for (const part of ['v', 'attnLn', 'out', 'fc1', 'up', 'mlpLn', 'fc2'] as const) {
          expect(largest(end![part]!), part).to.be.greaterThan(0);
        }
      }),
    ));
});
