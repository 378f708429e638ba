/** The towers compiled give what they give eagerly: every attention, path, point and positions mode. */
import { expect } from 'chai';
import { gem } from '../../../src/attention/gem.js';
import { attentions } from '../../../src/attention/index.js';
import { loadClip } from '../../../src/checkpoint/loadClip.js';
import type { Clip, ImageOptions } from '../../../src/model/clip.js';
import type { Variant } from '../../../src/model/imageTower.js';
import { positionModes } from '../../../src/model/positions.js';
import { compile } from '../../../src/tensor/compile.js';
import { getBackend, memory, type Tensor, type Tensor2D, tensor2d, tidy } from '../../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../../engine.js';
import { expectClose, findGolden, readGolden } from '../../goldens.js';
import { deepClip, pixelsOf, tinyClip } from '../../model/tiny.js';

const golden = readGolden(findGolden('dense/dense.safetensors')!);
const outputs = readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!);

/** Within 1e-5 of the largest value. */
function expectSame(actual: Tensor, expected: Tensor, name: string) {
  expect(actual.shape, name).to.deep.equal(expected.shape);
  const values = expected.dataSync<'float32'>();
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expectClose(actual.dataSync(), values, { maxAbs: 1e-5 * largest }, { name, shape: expected.shape });
}

async function expectSameImages(clip: Clip, input: string, options: ImageOptions): Promise<void> {
  const pixels = pixelsOf(golden[`${input}/pixels`]!);
  const [, , height, width] = pixels.shape;
  const fast = await compile(x => clip.image(x, options), [{ shape: ['batch', 3, height, width] }]);
  const actual = await fast(pixels);
  tidy(() => {
    const expected = clip.image(pixels, options);
    for (const key of ['tokens', 'pooled', 'embedding'] as const) expectSame(actual[key], expected[key], key);
    expect(Object.keys(actual.seen)).to.deep.equal(Object.keys(expected.seen));
    for (const [name, tensor] of Object.entries(expected.seen)) expectSame(actual.seen[name]!, tensor, name);
  });
  for (const tensor of [actual.tokens, actual.pooled, actual.embedding, ...Object.values(actual.seen)])
    tensor.dispose();
  pixels.dispose();
  await fast.dispose();
}

describe('compiled towers', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  for (const [name, attention] of Object.entries(attentions)) {
    for (const input of ['square', 'wide']) {
      it(`${name}, ${input}`, () => withoutLeak(() => expectSameImages(clip, input, { last: { attention } })));
    }
  }

  const cases: Record<string, Variant> = {
    'no residual, no ffn': { residual: false, ffn: false, attention: attentions.qq! },
    'residual 0.5': { residual: 0.5, attention: attentions.csa! },
    'two blocks summed': { blocks: 2, path: 'sum', residual: false, ffn: false, attention: attentions.qq! },
    'side path': { blocks: 3, path: 'side', attention: gem({ iterations: 2 }) },
    "side path with the stream's class token": {
      blocks: 3,
      path: 'side',
      classToken: 'stream',
      attention: attentions.vv!,
    },
  };
  for (const [name, last] of Object.entries(cases)) {
    it(name, () => withoutLeak(() => expectSameImages(clip, 'square', { last })));
  }

  for (const positions of positionModes) {
    it(`positions: ${positions}`, () => withoutLeak(() => expectSameImages(clip, 'wide', { positions })));
  }

  it('every point', () => withoutLeak(() => expectSameImages(clip, 'square', { see: ['*'] })));

  it('seven blocks with a side path', () =>
    withoutLeak(async () => {
      const deep = deepClip();
      await expectSameImages(deep, 'square', { last: { blocks: 6, path: 'side', attention: gem() } });
      deep.dispose();
    }));

  it('the text tower, ids as input', () =>
    withoutLeak(async () => {
      const { data, shape } = outputs.token_ids!;
      const ids: Tensor2D = tensor2d(Int32Array.from(data as Int32Array), shape as [number, number], 'int32');
      const n = shape[1]!;
      const fast = await compile(x => clip.textIds(x).pooled, [{ shape: ['batch', n], dtype: 'int32' }]);
      const actual = await fast(ids);
      tidy(() => expectSame(actual, clip.textIds(ids).pooled, 'pooled'));
      expectClose(actual.dataSync(), outputs.text_features!.data as Float32Array, { maxAbs: 1e-4 });
      actual.dispose();
      ids.dispose();
      await fast.dispose();
    }));

  for (const weights of ['open_clip-v512', 'hf-v512-fp16-sharded']) {
    it(`reads no weight of ${weights}, which stay in their file`, async () => {
      const before = memory();
      const stored = await loadClip(findGolden(`clip-tiny/weights/${weights}`)!, { weights: 'file' });
      const { data, shape } = outputs.pixels!;
      const fast = await compile(x => clip.image(x).pooled, [{ shape: ['batch', 3, 64, 64] }]);
      const pooled = await fast({ data: data as Float32Array, shape });
      expectClose(pooled.data as Float32Array, outputs.image_features!.data as Float32Array, { maxAbs: 1e-4 });
      await fast.dispose();
      stored.dispose();
      expect(memory().numTensors).to.equal(before.numTensors);
      expect(memory().numBytes).to.equal(before.numBytes);
      expect(getBackend()).to.not.equal('recording');
    });
  }
});
