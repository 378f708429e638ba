import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { inTemporaryFolder } from '../../files/temporary.js';
import { cosine, expectClose, goldenPath, readGolden } from '../../goldens.js';
import { json, run, succeed } from '../run.js';

interface Converted {
  tensors: number;
  bytes: number;
  config: { embedding: number; image?: { width: number }; text?: { vocabulary: number } };
}

const written = ['config.json', 'model.safetensors', 'preprocessor_config.json'];
const weights = 'clip-tiny/weights';
const outputs = 'clip-tiny/v512_outputs.safetensors';

/** The cosines of two `[n, 64]`, row by row, are 1 within the manifest's bound. */
async function expectFeatures(model: string, features: string, pixels: string, dir: string): Promise<void> {
  const output = join(dir, 'embedding.safetensors');
  await succeed(['embed', pixels, '--model', model, '-o', output]);
  const embedding = readGolden(output).embedding!.data as Float32Array;
  const expected = readGolden(pixels)[features]!.data as Float32Array;
  for (let at = 0; at < expected.length; at += 64) {
    const row = expected.subarray(at, at + 64);
    const length = Math.hypot(...row);
    const unit = row.map(value => value / length);
    expectClose(embedding.subarray(at, at + 64), unit, { maxAbs: 1e-4 }, { name: features });
    expect(cosine(embedding.subarray(at, at + 64), unit)).to.be.above(0.99999);
  }
}

/** Names and bytes of all files of a folder. */
const contents = (folder: string) => readdirSync(folder).map(name => [name, readFileSync(join(folder, name))]);

describe('clipscope convert', () => {
  for (const checkpoint of ['hf-v512-fp16-sharded', 'open_clip-v512', 'openai-torchscript.pt']) {
    it(`makes a folder of ${checkpoint} that gives the same embeddings and converts to itself`, function () {
      const input = goldenPath(this, `${weights}/${checkpoint}`);
      const pixels = goldenPath(this, outputs);
      return inTemporaryFolder(async dir => {
        const [once, twice] = [join(dir, 'once'), join(dir, 'deep', 'twice')];
        const said = await json<Converted>(['convert', input, '-o', once]);
        expect(readdirSync(once).sort()).to.deep.equal(written);
        expect(said.bytes).to.equal(readFileSync(join(once, 'model.safetensors')).length);
        expect(said.tensors).to.equal(Object.keys(headerOf(join(once, 'model.safetensors'))).length);
        expect(said.config).to.deep.include({ embedding: 64 });
        expect(said.config.text).to.include({ vocabulary: 512 });
        await Promise.all([
          expectFeatures(once, 'image_features', pixels, dir),
          succeed(['convert', once, '-o', twice]),
        ]);
        expect(contents(twice)).to.deep.equal(contents(once));
      });
    });
  }

  for (const form of ['openai-state-dict.pt', 'openai-state-dict-legacy.pt', 'openclip-training-checkpoint.pt']) {
    it(`makes the same folder of ${form} as of the TorchScript archive`, function () {
      const inputs = [form, 'openai-torchscript.pt'].map(name => goldenPath(this, `${weights}/${name}`));
      return inTemporaryFolder(async dir => {
        const folders = ['form', 'archive'].map(name => join(dir, name));
        await Promise.all(inputs.map((input, i) => succeed(['convert', input, '-o', folders[i]!])));
        expect(contents(folders[0]!)).to.deep.equal(contents(folders[1]!));
      });
    });
  }

  it('rounds to a dtype', function () {
    const input = goldenPath(this, `${weights}/open_clip-v512`);
    const pixels = goldenPath(this, outputs);
    return inTemporaryFolder(async dir => {
      const features = { f32: 'image_features', bf16: 'image_features_from_bf16_weights' };
      for (const [dtype, name] of Object.entries(features)) {
        const output = join(dir, dtype);
        await succeed(['convert', input, '-o', output, '--dtype', dtype]);
        const dtypes = Object.values(headerOf(join(output, 'model.safetensors'))).map(entry => entry.dtype);
        expect([...new Set(dtypes)]).to.deep.equal([dtype.toUpperCase()]);
        await expectFeatures(output, name, pixels, dir);
      }
    });
  });

  it('converts a vision tower alone', function () {
    const input = goldenPath(this, `${weights}/vision-deep7-fp16.safetensors`);
    return inTemporaryFolder(async dir => {
      const output = join(dir, 'deep');
      const { config } = await json<Converted>(['convert', input, '-o', output]);
      expect(config).to.have.keys(['embedding', 'image']);
      const line = await succeed(['inspect', '--list', '--model', output]);
      expect(line).to.include('image.blocks.6.resid_post').and.not.include('text.');
    });
  });

  it('leaves a folder as it was when the checkpoint is no good', () =>
    inTemporaryFolder(async dir => {
      const [input, output] = [join(dir, 'bad.safetensors'), join(dir, 'model')];
      writeFileSync(input, 'not weights at all');
      mkdirSync(output);
      writeFileSync(join(output, 'config.json'), '{}');
      const { status, stdout, stderr } = await run(['convert', input, '-o', output]);
      expect([status, stdout]).to.deep.equal([2, '']);
      expect(stderr).to.match(/^clipscope: .*bad\.safetensors: .*\n$/);
      expect(contents(output)).to.deep.equal([['config.json', Buffer.from('{}')]]);
    }));
});

/** Dtype and shape of every tensor in a safetensors file. */
function headerOf(path: string): Record<string, { dtype: string; shape: number[] }> {
  const file = readFileSync(path);
  const { __metadata__, ...entries } = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString());
  return entries;
}
