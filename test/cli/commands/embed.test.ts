import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { inTemporaryFolder } from '../../files/temporary.js';
import { cosine, expectClose, findGolden, type GoldenTensor, goldenPath, readGolden } from '../../goldens.js';
import { writePixels } from '../pixelFile.js';
import { json, scene, succeed } from '../run.js';

const outputs = 'clip-tiny/v512_outputs.safetensors';
const tolerance = { maxAbs: 1e-4 };
const weights = 'clip-tiny/weights';

/** Rows of a golden `[n, width]` at unit length. */
function normalised({ data, shape }: GoldenTensor): Float32Array {
  const width = shape[1]!;
  const rows = Float32Array.from(data as Float32Array);
  for (let at = 0; at < rows.length; at += width) {
    const length = Math.hypot(...rows.subarray(at, at + width));
    for (let i = at; i < at + width; i++) rows[i]! /= length;
  }
  return rows;
}

/** The tensor that `embed` writes. */
async function embed(dir: string, args: string[]): Promise<GoldenTensor> {
  const output = join(dir, 'embedding.safetensors');
  const said = await json<{ dim: number; count: number }>(['embed', ...args, '-o', output]);
  const { embedding } = readGolden(output);
  expect(embedding!.shape).to.deep.equal([said.count, said.dim]);
  return embedding!;
}

function expectRows(actual: GoldenTensor, expected: Float32Array, name: string): void {
  expectClose(actual.data as Float32Array, expected, tolerance, { name, shape: actual.shape });
  expect(cosine(actual.data as Float32Array, expected), name).to.be.above(0.99999);
}

/** Golden checkpoints and the image features they give: the same tiny model in every form. */
const forms: [checkpoint: string, features: string][] = [
  ['hf-v512-fp16-sharded', 'image_features'],
  ['hf-v512-fp16-sharded/model.safetensors.index.json', 'hf_image_features'],
  ['hf-v512-bf16', 'image_features_from_bf16_weights'],
  ['open_clip-v512', 'open_clip_image_features'],
  ['open_clip-v512/open_clip_model.safetensors', 'image_features'],
  ['openai-torchscript.pt', 'image_features'],
  ['openai-state-dict.pt', 'image_features'],
  ['openai-state-dict-legacy.pt', 'image_features'],
  ['openclip-training-checkpoint.pt', 'image_features'],
  ['hf-full-vocab-fp16', 'image_features'],
];

describe('clipscope embed', () => {
  for (const [checkpoint, features] of forms) {
    it(`reads ${checkpoint}`, function () {
      const model = goldenPath(this, `${weights}/${checkpoint}`);
      const pixels = goldenPath(this, outputs);
      return inTemporaryFolder(async dir => {
        const embedding = await embed(dir, [pixels, '--model', model]);
        expectRows(embedding, normalised(readGolden(pixels)[features]!), features);
      });
    });
  }

  it('takes the exact GELU by --activation', function () {
    const pixels = goldenPath(this, outputs);
    const model = goldenPath(this, `${weights}/open_clip-v512`);
    return inTemporaryFolder(async dir => {
      const embedding = await embed(dir, [pixels, '--model', model, '--activation', 'gelu']);
      expectRows(embedding, normalised(readGolden(pixels).open_clip_gelu_image_features!), 'gelu');
    });
  });

  it('stretches positions to other sizes as Hugging Face and OpenCLIP do', function () {
    const golden = readGolden(goldenPath(this, 'clip-tiny/other_sizes.safetensors'));
    const model = goldenPath(this, `${weights}/open_clip-v512`);
    return inTemporaryFolder(async dir => {
      const sizes = ['96x64', '112x160', '32x128'];
      const files = sizes.map(size => writePixels(join(dir, `${size}.safetensors`), golden[`${size}/pixels`]!));
      for (const [mode, whose] of [
        ['exact', 'hf'],
        ['antialias', 'open_clip'],
      ]) {
        const { data } = await embed(dir, [...files, '--model', model, '--positions', mode!]);
        sizes.forEach((size, i) => {
          const name = `${size}/${whose}.image_features`;
          const row = (data as Float32Array).subarray(64 * i, 64 * i + 64);
          expectRows({ dtype: 'F32', shape: [1, 64], data: row }, normalised(golden[name]!), name);
        });
      }
    });
  });

  it('gives images and texts of the full vocabulary', function () {
    const path = goldenPath(this, 'clip-tiny/full_vocab_outputs.safetensors');
    const model = goldenPath(this, `${weights}/hf-full-vocab-fp16`);
    const { measured } = JSON.parse(readFileSync(findGolden('clip-tiny/manifest.json')!, 'utf8'));
    return inTemporaryFolder(async dir => {
      const golden = readGolden(path);
      const images = await embed(dir, [path, '--model', model]);
      expectRows(images, golden.image_features_normalised!.data as Float32Array, 'images');
      const texts = await embed(dir, ['--model', model, '--text', ...measured.texts]);
      expectRows(texts, golden.text_features_normalised!.data as Float32Array, 'texts');
    });
  });

  it('gives what transformers gives for the examples and the embedded model', () =>
    inTemporaryFolder(async dir => {
      const expected = JSON.parse(
        readFileSync(new URL('../../fixtures/scenes/expected.json', import.meta.url), 'utf8'),
      );
      const { data, shape } = await embed(dir, [1, 2, 3, 4, 5, 6].map(scene));
      expect(shape).to.deep.equal([6, 128]);
      expected.image_embedding_first8.forEach((first8: number[], i: number) => {
        const row = (data as Float32Array).subarray(128 * i, 128 * i + 128);
        expectClose(row.subarray(0, 8), first8, { maxAbs: 2e-6 }, { name: `scene ${i + 1}` });
        expect(Math.hypot(...row)).to.be.closeTo(1, 1e-6);
      });
    }));

  it('prints the numbers where no file is asked for', async () => {
    const lines = (await succeed(['embed', '--text', 'a red circle', ''])).trimEnd().split('\n');
    expect(lines.map(line => line.split(' ').length)).to.deep.equal([128, 128]);
    for (const line of lines) expect(Math.hypot(...line.split(' ').map(Number))).to.be.closeTo(1, 1e-6);
  });
});
