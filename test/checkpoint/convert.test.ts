import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { convertCheckpoint, convertDtypes } from '../../src/checkpoint/convert.js';
import { openModel } from '../../src/checkpoint/loadClip.js';
import { openWeights } from '../../src/checkpoint/modelFiles.js';
import { InputError } from '../../src/errors.js';
import { openBytes } from '../../src/files/bytes.js';
import { fromFloat32, toFloat32 } from '../../src/files/dtype.js';
import { openSafetensors } from '../../src/files/safetensors/read.js';
import { useEngine } from '../engine.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { expectClose, findGolden, goldenPath } from '../goldens.js';
import { leavingNothing } from './openFiles.js';

const at = (name: string) => findGolden(`clip-tiny/weights/${name}`)!;
const sharded = dirname(at('hf-v512-fp16-sharded/config.json'));
const openClip = dirname(at('open_clip-v512/open_clip_config.json'));
const deep = at('vision-deep7-fp16.safetensors');

type Values = Map<string, { dtype: string; shape: readonly number[]; values: Float32Array }>;

function valuesIn(path: string): Values {
  const file = openWeights(path);
  const all = [...file.tensors].map(
    ([name, { dtype, shape }]) => [name, { dtype, shape, values: file.readFloat32(name) }] as const,
  );
  file.close();
  return new Map(all);
}

const sizesOf = (name: string) => {
  const { file, config, preprocessor } = openModel(name);
  file.close();
  return { config, preprocessor };
};

/** Element by element, whatever the dtypes; `except` tensors that differ by design. */
function expectValues(actual: Values, expected: Values, except: readonly string[] = []): void {
  expect([...actual.keys()].sort()).to.deep.equal([...expected.keys()].sort());
  for (const [name, { shape, values }] of expected) {
    if (except.includes(name)) continue;
    expect(actual.get(name)!.shape, name).to.deep.equal(shape);
    expectClose(actual.get(name)!.values, values, { maxAbs: 0 }, { name, shape });
  }
}

describe('convertCheckpoint', () => {
  // Converting needs no engine; counting tensors does.
  before(useEngine);
  const table = 'text_model.embeddings.token_embedding.weight';
  const sources: [name: string, except: string[]][] = [
    ['hf-v512-fp16-sharded/config.json', []],
    ['open_clip-v512/open_clip_config.json', []],
    // The full vocabulary, of which the sharded model has the first 510 words.
    ['openai-torchscript.pt', [table]],
    ['openai-state-dict-legacy.pt', [table]],
    ['openai-state-dict.pt', [table]],
    ['openclip-training-checkpoint.pt', [table]],
  ];
  for (const [name, except] of sources) {
    it(`gives Hugging Face’s own tensors from ${name}`, function () {
      const found = goldenPath(this, `clip-tiny/weights/${name}`);
      const source = found.endsWith('.json') ? dirname(found) : found;
      return inTemporaryFolder(dir =>
        leavingNothing(() => {
          const out = join(dir, 'new', 'folder');
          const { tensors, bytes, config } = convertCheckpoint(source, out);
          const path = join(out, 'model.safetensors');
          const expected = valuesIn(join(sharded, 'model.safetensors.index.json'));
          const actual = valuesIn(path);
          const vocabulary = actual.get(table)!.shape[0]!;
          expectValues(actual, expected, vocabulary === 512 ? [] : except);
          expect([tensors, bytes]).to.deep.equal([expected.size, statSync(path).size]);
          expect(readdirSync(out).sort()).to.deep.equal([
            'config.json',
            'model.safetensors',
            'preprocessor_config.json',
          ]);
          // What was written is read again as what it was.
          expect(sizesOf(out)).to.deep.equal(sizesOf(source));
          expect(config).to.deep.equal(sizesOf(source).config);
        }),
      );
    });
  }

  it('keeps the dtypes of the file, tensor by tensor, when none is asked for', () =>
    inTemporaryFolder(dir => {
      convertCheckpoint(at('openai-torchscript.pt'), dir);
      const dtypes = new Map([...valuesIn(join(dir, 'model.safetensors'))].map(([name, { dtype }]) => [name, dtype]));
      expect(dtypes.get('vision_model.embeddings.patch_embedding.weight')).to.equal('F16');
      expect(dtypes.get('vision_model.pre_layrnorm.weight')).to.equal('F32');
      expect(dtypes.get('text_model.encoder.layers.0.self_attn.k_proj.weight')).to.equal('F16');
      expect(JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'))).to.not.have.property('torch_dtype');
    }));

  for (const [name, dtype] of Object.entries(convertDtypes) as [keyof typeof convertDtypes, 'F32' | 'F16' | 'BF16'][]) {
    it(`rounds every tensor to ${name}`, () =>
      inTemporaryFolder(dir => {
        convertCheckpoint(at('openai-torchscript.pt'), dir, { dtype: name });
        const original = openModel(at('openai-torchscript.pt'));
        const actual = valuesIn(join(dir, 'model.safetensors'));
        expect(new Set([...actual.values()].map(tensor => tensor.dtype))).to.deep.equal(new Set([dtype]));
        for (const [theirs, ours] of [
          ['visual.conv1.weight', 'vision_model.embeddings.patch_embedding.weight'],
          ['token_embedding.weight', table],
          ['logit_scale', 'logit_scale'],
        ] as const) {
          const rounded = toFloat32(dtype, fromFloat32(dtype, original.file.readFloat32(theirs)));
          expectClose(actual.get(ours)!.values, rounded, { maxAbs: 0 }, { name: ours });
        }
        original.file.close();
        const { torch_dtype } = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'));
        expect(torch_dtype).to.equal({ F32: 'float32', F16: 'float16', BF16: 'bfloat16' }[dtype]);
      }));
  }

  it('rounds to bfloat16 as PyTorch does', function () {
    const theirs = goldenPath(this, 'clip-tiny/weights/hf-v512-bf16/model.safetensors');
    return inTemporaryFolder(dir => {
      convertCheckpoint(sharded, dir, { dtype: 'bf16' });
      expectValues(valuesIn(join(dir, 'model.safetensors')), valuesIn(theirs));
    });
  });

  it('converts what it has converted to the same bytes', () =>
    inTemporaryFolder(dir => {
      const [first, second] = [join(dir, '1'), join(dir, '2')];
      convertCheckpoint(openClip, first);
      convertCheckpoint(first, second);
      for (const name of readdirSync(first)) {
        expect(readFileSync(join(second, name)).equals(readFileSync(join(first, name))), name).to.equal(true);
      }
      // Onto itself, too.
      convertCheckpoint(first, first);
      const model = 'model.safetensors';
      expect(readFileSync(join(first, model)).equals(readFileSync(join(second, model)))).to.equal(true);
    }));

  it('turns the projections, which Hugging Face keeps the other way round', () =>
    inTemporaryFolder(dir => {
      convertCheckpoint(deep, dir, { dtype: 'f32' });
      const source = openSafetensors(openBytes(deep));
      const theirs = source.readFloat32('visual.proj');
      const ours = valuesIn(join(dir, 'model.safetensors')).get('visual_projection.weight')!;
      expect(ours.shape).to.deep.equal([64, 128]);
      for (const [e, w] of [
        [0, 0],
        [63, 1],
        [5, 127],
      ] as const)
        expect(ours.values[e * 128 + w]).to.equal(theirs[w * 64 + e]);
      source.close();
    }));

  it('writes one tower, and reads it again as it was', () =>
    inTemporaryFolder(dir =>
      leavingNothing(() => {
        convertCheckpoint(deep, dir);
        expect(sizesOf(dir).config).to.deep.equal(sizesOf(deep).config);
        const text = join(dir, 'text');
        convertCheckpoint(openClip, text, { towers: ['text'] });
        expect(readdirSync(text).sort()).to.deep.equal(['config.json', 'model.safetensors']);
        const { image: _, ...rest } = sizesOf(openClip).config;
        expect(sizesOf(text).config).to.deep.equal(rest);
      }),
    ));

  it('writes the activation and epsilon it was told', () =>
    inTemporaryFolder(dir => {
      const { config } = convertCheckpoint(deep, dir, { activation: 'gelu', layerNormEpsilon: 1e-6 });
      expect(config.image).to.include({ activation: 'gelu', layerNormEpsilon: 1e-6 });
      expect(sizesOf(dir).config).to.deep.equal(config);
    }));

  /** An OpenCLIP folder with another `preprocess_cfg`. */
  function withPreprocessing(dir: string, settings: object): string {
    const source = join(dir, 'source');
    mkdirSync(source);
    symlinkSync(join(openClip, 'open_clip_model.safetensors'), join(source, 'open_clip_model.safetensors'));
    const config = JSON.parse(readFileSync(join(openClip, 'open_clip_config.json'), 'utf8'));
    Object.assign(config.preprocess_cfg, settings);
    writeFileSync(join(source, 'open_clip_config.json'), JSON.stringify(config));
    return source;
  }

  it('writes preprocessing of its own kind', () =>
    inTemporaryFolder(dir => {
      const settings = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.25, 1], interpolation: 'bilinear', resize_mode: 'squash' };
      const source = withPreprocessing(dir, settings);
      const out = join(dir, 'out');
      convertCheckpoint(source, out);
      const { preprocessor } = sizesOf(out);
      expect(preprocessor).to.deep.equal(sizesOf(source).preprocessor);
      expect(preprocessor).to.deep.include({ filter: 'bilinear', crop: null, std: [0.5, 0.25, 1] });
    }));

  it('refuses preprocessing that Hugging Face cannot name, before it writes anything', () =>
    inTemporaryFolder(dir =>
      leavingNothing(() => {
        const source = withPreprocessing(dir, { resize_mode: 'longest' });
        const out = join(dir, 'out');
        expect(() => convertCheckpoint(source, out)).to.throw(
          InputError,
          `${source}: expected a resize of the short side`,
        );
        expect(existsSync(out)).to.equal(false);
      }),
    ));

  it('refuses an output that is no folder, or whose place is taken', () =>
    inTemporaryFolder(dir =>
      leavingNothing(() => {
        writeFileSync(join(dir, 'file'), 'mine');
        for (const out of [join(dir, 'file'), join(dir, 'file', 'inside')]) {
          expect(() => convertCheckpoint(deep, out)).to.throw(InputError, out);
        }
        expect(readFileSync(join(dir, 'file'), 'utf8')).to.equal('mine');
        mkdirSync(join(dir, 'taken', 'model.safetensors'), { recursive: true });
        expect(() => convertCheckpoint(deep, join(dir, 'taken'))).to.throw(InputError, 'model.safetensors');
        expect(readdirSync(join(dir, 'taken'))).to.deep.equal(['model.safetensors']);
      }),
    ));

  it('refuses what it cannot load, before it makes the folder', () =>
    inTemporaryFolder(dir =>
      leavingNothing(() => {
        const out = join(dir, 'out');
        expect(() => convertCheckpoint(join(dir, 'none.pt'), out)).to.throw(InputError, 'no such file');
        writeFileSync(join(dir, 'bad.pt'), 'nothing of the kind');
        expect(() => convertCheckpoint(join(dir, 'bad.pt'), out)).to.throw(InputError, 'bad.pt');
        expect(() => convertCheckpoint(deep, out, { towers: ['text'] })).to.throw(InputError, 'it has none');
        expect(existsSync(out)).to.equal(false);
      }),
    ));
});
