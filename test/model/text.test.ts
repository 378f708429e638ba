import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import type { Clip, TextOptions } from '../../src/model/clip.js';
import type { Pooling } from '../../src/model/config.js';
import { pooledPosition } from '../../src/model/textTower.js';
import { memory, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { cosine, expectClose, findGolden, type GoldenTensor, goldenPath, readGolden } from '../goldens.js';
import { clipFrom, pixelsOf, rowsOf, tinyClip, valuesOf } from './tiny.js';

const golden = readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!);
const sequences = rowsOf(golden.token_ids!);
const valuesIn = (name: string, from: Record<string, GoldenTensor> = golden) => from[name]!.data as Float32Array;
const tolerance = { maxAbs: 1e-4 };

const withPooling = (pooling: Pooling) => tinyClip(config => ({ ...config, text: { ...config.text!, pooling } }));

/** Cosines times CLIP's factor, `[images, texts]`. */
function logits(images: Float32Array, texts: Float32Array, width: number, factor: number): Float32Array {
  const [n, m] = [images.length / width, texts.length / width];
  return Float32Array.from({ length: n * m }, (_, at) => {
    const row = (of: Float32Array, i: number) => of.subarray(i * width, (i + 1) * width);
    return factor * cosine(row(images, Math.floor(at / m)), row(texts, at % m));
  });
}

describe('text tower', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  const run = (ids: readonly ArrayLike<number>[], options: TextOptions = {}, model = clip) =>
    tidy(() => {
      const { pooled, embedding } = model.text(ids, options);
      return valuesOf({ pooled, embedding }) as Record<'pooled' | 'embedding', Float32Array>;
    });

  describe('against other code', () => {
    it('pools the largest id as OpenAI and OpenCLIP do', () =>
      withoutLeak(() => {
        const { pooled } = run(sequences);
        expectClose(pooled, valuesIn('text_features'), tolerance);
        expectClose(pooled, valuesIn('open_clip_text_features'), tolerance);
      }));

    it('pools the first end token as Hugging Face does', () =>
      withoutLeak(() => {
        const theirs = golden.hf_text_pooled_position!.data as Int32Array;
        expect(sequences.map(ids => pooledPosition(ids, { firstOf: 511 }))).to.deep.equal(Array.from(theirs));
        const model = withPooling({ firstOf: 511 });
        for (const context of ['needed', 'full'] as const) {
          const { embedding } = run(sequences, { context }, model);
          expectClose(embedding, valuesIn('hf_text_features'), tolerance, { shape: [6, 64] });
        }
        model.dispose();
      }));

    it('gives the logits of images and texts', () =>
      withoutLeak(() => {
        const images = tidy(() => clip.image(pixelsOf(golden.pixels!)).embedding.dataSync().slice()) as Float32Array;
        expect(clip.logitScale).to.be.closeTo(Math.exp(4.59375), 1e-4);
        const ours = logits(images, run(sequences).pooled, 64, clip.logitScale);
        expectClose(ours, valuesIn('logits_per_image'), { maxAbs: 1e-3 }, { shape: [5, 6] });
        expectClose(images, valuesIn('hf_image_features'), tolerance);
      }));

    it('gives what OpenCLIP gives with the exact GELU', () =>
      withoutLeak(() => {
        const model = tinyClip(({ image, text, ...rest }) => ({
          ...rest,
          image: { ...image!, activation: 'gelu' },
          text: { ...text!, activation: 'gelu' },
        }));
        expectClose(run(sequences, {}, model).pooled, valuesIn('open_clip_gelu_text_features'), tolerance);
        const images = tidy(() => model.image(pixelsOf(golden.pixels!)).pooled.dataSync().slice());
        expectClose(images, valuesIn('open_clip_gelu_image_features'), tolerance);
        model.dispose();
        expect(() =>
          expectClose(run(sequences).pooled, valuesIn('open_clip_gelu_text_features'), tolerance),
        ).to.throw();
      }));

    it('gives the features of weights rounded to bfloat16', function () {
      const weights = 'clip-tiny/weights/hf-v512-bf16/model.safetensors';
      goldenPath(this, weights);
      return withoutLeak(() => {
        const model = clipFrom(weights);
        expectClose(run(sequences, {}, model).pooled, valuesIn('text_features_from_bf16_weights'), tolerance);
        const images = tidy(() => model.image(pixelsOf(golden.pixels!)).pooled.dataSync().slice());
        expectClose(images, valuesIn('image_features_from_bf16_weights'), tolerance);
        model.dispose();
      });
    });

    it('gives features, logits and probabilities of real texts', function () {
      const weights = 'clip-tiny/weights/hf-full-vocab-fp16/model.safetensors';
      goldenPath(this, weights);
      return withoutLeak(() => {
        const full = readGolden(findGolden('clip-tiny/full_vocab_outputs.safetensors')!);
        const model = clipFrom(weights);
        const images = tidy(() => {
          const { pooled, embedding } = model.image(pixelsOf(full.pixels!));
          return valuesOf({ pooled, embedding });
        });
        const texts = run(rowsOf(full.token_ids!), {}, model);
        expectClose(texts.pooled, valuesIn('text_features', full), tolerance);
        expectClose(texts.embedding, valuesIn('text_features_normalised', full), tolerance);
        expectClose(images.pooled!, valuesIn('image_features', full), tolerance);
        expectClose(images.embedding!, valuesIn('image_features_normalised', full), tolerance);
        expect(model.logitScale).to.be.closeTo(valuesIn('logit_scale_exp', full)[0]!, 1e-3);
        const ours = logits(images.embedding!, texts.embedding, 64, model.logitScale);
        expectClose(ours, valuesIn('logits_per_image', full), { maxAbs: 1e-3 }, { shape: [5, 12] });
        const probabilities = Array.from({ length: 5 }, (_, i) => {
          const row = Array.from(ours.subarray(i * 12, (i + 1) * 12), x => Math.exp(x - Math.max(...ours)));
          return row.map(x => x / row.reduce((a, b) => a + b, 0));
        });
        expectClose(probabilities.flat(), valuesIn('probs_per_image', full), { maxAbs: 1e-4 });
        model.dispose();
      });
    });
  });

  it('cut at the end token is the whole context', () =>
    withoutLeak(() => {
      const full = run(sequences, { context: 'full' });
      expectClose(run(sequences).pooled, full.pooled, { maxAbs: 1e-5 });
      // Without the zeros after the end, and with other ids there.
      const ends = sequences.map(ids => pooledPosition(ids, 'largest-id') + 1);
      expect(run(sequences.map((ids, i) => ids.slice(0, ends[i])))).to.deep.equal(run(sequences));
      const other = sequences.map((ids, i) => ids.map((id, at) => (at < ends[i]! ? id : (at * 7) % 500)));
      expect(run(other)).to.deep.equal(run(sequences));
    }));

  it('runs no token beyond the last needed one', () =>
    withoutLeak(() =>
      tidy(() => {
        const shape = (options: TextOptions) =>
          clip.text(
            [
              [510, 1, 511, 0, 0],
              [510, 2, 3, 4, 511],
            ],
            { see: ['tokens'], ...options },
          ).seen['text.tokens']!.shape;
        expect(shape({})).to.deep.equal([2, 5, 64]);
        expect(shape({ context: 'full' })).to.deep.equal([2, 77, 64]);
      }),
    ));

  it('gives texts of mixed lengths back in their order', () =>
    withoutLeak(() => {
      // More of one length than run at once, and lengths that take turns.
      const texts = Array.from({ length: 150 }, (_, i) => {
        const length = i % 3 === 0 ? 75 : 1 + ((i * 11) % 30);
        return [510, ...Array.from({ length }, (_, at) => (i * 31 + at * 7) % 510), 511];
      });
      const { pooled, embedding } = run(texts);
      const row = (of: Float32Array, i: number) => of.subarray(i * 64, (i + 1) * 64);
      for (const i of [0, 1, 2, 3, 50, 51, 99, 148, 149]) {
        const single = run([texts[i]!]);
        expectClose(row(pooled, i), single.pooled, { maxAbs: 1e-5 }, { name: `text ${i}` });
        expectClose(row(embedding, i), single.embedding, { maxAbs: 1e-5 });
      }
      const turned = run([...texts].reverse());
      for (const i of [0, 77, 149]) expectClose(row(turned.pooled, 149 - i), row(pooled, i), { maxAbs: 1e-5 });
    }));

  it('gives the same whether or not something is seen or patched', () =>
    withoutLeak(() => {
      const plain = run(sequences);
      expectClose(run(sequences, { see: ['*'] }).pooled, plain.pooled, { maxAbs: 1e-5 });
      expectClose(run(sequences, { patch: { '*': () => undefined } }).pooled, plain.pooled, { maxAbs: 1e-5 });
    }));

  it('pools the row of the token that the config names', () =>
    withoutLeak(() => {
      const model = withPooling({ firstOf: 100 });
      tidy(() => {
        const ids = [[510, 7, 100, 511, 100]];
        const { seen, pooled } = clip.text(ids, { see: ['tokens'], context: 'full' });
        const third = seen['text.tokens']!.dataSync().slice(2 * 64, 3 * 64);
        expectClose(model.text(ids).pooled.dataSync(), third, { maxAbs: 1e-5 });
        expect(pooled.dataSync()).to.not.deep.equal(third);
      });
      model.dispose();
    }));

  it('knows which token is the sentence', () => {
    expect(pooledPosition([510, 4, 511, 0, 511], 'largest-id')).to.equal(2);
    expect(pooledPosition([510, 4, 511, 0, 511], { firstOf: 511 })).to.equal(2);
    expect(pooledPosition([3, 9, 9, 1], 'largest-id')).to.equal(1);
    expect(pooledPosition([3, 9, 9, 1], { firstOf: 511 })).to.equal(0);
    expect(pooledPosition([7], 'largest-id')).to.equal(0);
    expect(pooledPosition(Int32Array.of(3, 2, 8), { firstOf: 2 })).to.equal(1);
  });

  it('takes ids in any array, and one token alone', () =>
    withoutLeak(() => {
      const ids = [510, 8, 511];
      const plain = run([ids]);
      for (const other of [Int32Array.from(ids), Float64Array.from(ids), { ...ids, length: 3 }]) {
        expect(run([other])).to.deep.equal(plain);
      }
      expect(run([[0]]).embedding).to.have.length(64);
    }));

  it('refuses what is no list of ids', () =>
    withoutLeak(() => {
      const refuses = (ids: unknown, message: string) =>
        expect(() => clip.text(ids as number[][])).to.throw(InputError, message);
      const before = memory().numTensors;
      refuses([], 'text: expected at least one text, got none');
      refuses([[510, 511], []], 'text: expected 1 to 77 token ids, text 1 has 0');
      refuses([new Array(78).fill(0)], 'text 0 has 78');
      refuses([1, 2, 3], 'text 0 has undefined');
      refuses([[510, 512]], 'text: expected ids from 0 to 511, text 0 holds 512 at position 1');
      for (const id of [-1, 1.5, Number.NaN, '7', null]) refuses([[510, id]], `text 0 holds ${id} at position 1`);
      expect(memory().numTensors).to.equal(before);
    }));
});
