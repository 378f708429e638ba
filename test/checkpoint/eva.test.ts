import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseConfigFile } from '../../src/checkpoint/configFile.js';
import { convertCheckpoint } from '../../src/checkpoint/convert.js';
import { describeModel, loadClip, openModel } from '../../src/checkpoint/loadClip.js';
import { openWeights } from '../../src/checkpoint/modelFiles.js';
import { InputError } from '../../src/errors.js';
import { type ClipConfig, namedConfigs } from '../../src/model/config.js';
import { tidy } from '../../src/tensor/tfjs.js';
import { useEngine } from '../engine.js';
import { rejection } from '../files/rejection.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { torchLegacy } from '../files/torch/fileBytes.js';
import { dict, pickle, tensor } from '../files/torch/pickleBytes.js';
import { expectClose, findGolden, readGolden } from '../goldens.js';
import { evaConfig, evaGolden } from '../model/eva.js';
import { pixelsOf, rowsOf } from '../model/tiny.js';
import { evaJson, evaTensors, writeEva } from './evaFolder.js';
import { leavingNothing } from './openFiles.js';

const golden = evaGolden();
const words = readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!);

const config: ClipConfig = {
  ...evaConfig,
  text: {
    width: 64,
    layers: 2,
    heads: 1,
    mlpWidth: 256,
    activation: 'gelu',
    layerNormEpsilon: 1e-5,
    context: 77,
    vocabulary: 512,
    pooling: 'largest-id',
  },
};

const sizesOf = (name: string) => {
  const { file, config } = openModel(name);
  file.close();
  return config;
};

async function expectFeatures(name: string): Promise<void> {
  // The text tower was trained with the other activation, and its reference made with that.
  const clip = await loadClip(name, { activation: 'quick_gelu' });
  tidy(() => {
    const { pooled } = clip.image(pixelsOf(golden['96x96.pixels']!), { positions: 'exact' });
    expectClose(pooled.dataSync(), golden['96x96.image_features']!.data as Float32Array, { maxAbs: 2e-5 });
    const text = clip.text(rowsOf(words.token_ids!));
    expectClose(text.pooled.dataSync(), words.text_features!.data as Float32Array, { maxAbs: 1e-4 });
  });
  clip.dispose();
}

describe('EVA02-CLIP from files', () => {
  before(useEngine);

  it('loads from a folder with EVA-CLIP’s configuration, rotary tables of the file left alone', () =>
    inTemporaryFolder(dir =>
      leavingNothing(async () => {
        writeEva(dir);
        expect(describeModel(dir).config).to.deep.equal(config);
        expect(sizesOf(dir)).to.deep.equal(config);
        await expectFeatures(dir);
        const kept = await loadClip(dir, { weights: 'file', activation: 'quick_gelu', layerNormEpsilon: 1e-4 });
        expect([kept.config.image!.activation, kept.config.text!.activation]).to.deep.equal(['silu', 'quick_gelu']);
        expect([kept.config.image!.layerNormEpsilon, kept.config.text!.layerNormEpsilon]).to.deep.equal([1e-4, 1e-4]);
        kept.dispose();
      }),
    ));

  for (const wrapper of ['state_dict', 'model', 'module']) {
    it(`loads from a PyTorch checkpoint that has the weights in '${wrapper}', names behind 'module.'`, () =>
      inTemporaryFolder(dir =>
        leavingNothing(async () => {
          const all = [...evaTensors()];
          const types = { F16: 'Half', F32: 'Float' };
          const weights = dict(
            ...all.map(([name, { dtype, shape }], i) => {
              const code = tensor({ type: types[dtype], key: String(i), shape, legacy: true });
              return [`${wrapper === 'module' ? '' : 'module.'}${name}`, code] as const;
            }),
          );
          const storages = all.map(([, { shape, bytes }], i) => {
            const count = shape.reduce((product, size) => product * size, 1);
            return { key: String(i), count, bytes };
          });
          writeFileSync(join(dir, 'eva.pt'), torchLegacy(pickle(dict([wrapper, weights])), storages));
          writeFileSync(join(dir, 'config.json'), JSON.stringify(evaJson));
          await expectFeatures(join(dir, 'eva.pt'));
        }),
      ));
  }

  it('converts to a folder that loads again as the same, in the published names', () =>
    inTemporaryFolder(dir =>
      leavingNothing(async () => {
        const [source, first, second] = ['source', 'first', 'second'].map(name => join(dir, name)) as [
          string,
          string,
          string,
        ];
        writeEva(source);
        const { tensors } = convertCheckpoint(source, first);
        expect(readdirSync(first).sort()).to.deep.equal([
          'config.json',
          'model.safetensors',
          'preprocessor_config.json',
        ]);
        expect(sizesOf(first)).to.deep.equal(config);
        const published = [...evaTensors()].filter(([name]) => !name.includes('.rope.'));
        const file = openWeights(join(first, 'model.safetensors'));
        expect(tensors).to.equal(published.length);
        expect([...file.tensors.keys()].sort()).to.deep.equal(published.map(([name]) => name).sort());
        for (const [name, { dtype, shape, bytes }] of published) {
          const written = file.read(name);
          expect([written.dtype, written.shape], name).to.deep.equal([dtype, shape]);
          expect(Buffer.compare(written.bytes, bytes), name).to.equal(0);
        }
        file.close();
        convertCheckpoint(first, second);
        for (const name of readdirSync(first)) {
          expect(readFileSync(join(second, name)).equals(readFileSync(join(first, name))), name).to.equal(true);
        }
        convertCheckpoint(source, second, { dtype: 'f32', layerNormEpsilon: 1e-4 });
        const told = { layerNormEpsilon: 1e-4 };
        expect(sizesOf(second)).to.deep.equal({
          ...config,
          image: { ...config.image, ...told },
          text: { ...config.text, ...told },
        });
        convertCheckpoint(source, second, { dtype: 'f32' });
        await expectFeatures(second);
      }),
    ));

  it('writes its text tower alone in Hugging Face’s form, its image tower alone in its own', () =>
    inTemporaryFolder(dir => {
      const source = writeEva(join(dir, 'source'));
      for (const tower of ['image', 'text'] as const) {
        const out = join(dir, tower);
        convertCheckpoint(source, out, { towers: [tower] });
        expect(sizesOf(out)).to.deep.equal({ embedding: 64, [tower]: config[tower] });
        const { architectures } = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
        expect(architectures?.[0]).to.equal(tower === 'text' ? 'CLIPTextModelWithProjection' : undefined);
      }
    }));

  describe('refuses in one line', () => {
    const refused = (files: Parameters<typeof writeEva>[1]) => {
      let message = '';
      return inTemporaryFolder(dir =>
        leavingNothing(async () => {
          message = await rejection(loadClip(writeEva(dir, files)));
        }),
      ).then(() => message);
    };
    const changed = (change: (tensors: ReturnType<typeof evaTensors>) => void) => {
      const tensors = evaTensors();
      change(tensors);
      return refused({ tensors });
    };
    const key = 'visual.blocks.1.attn.k_proj.weight';

    it('a missing and an unknown tensor, by name', async () => {
      expect(await changed(all => all.delete(key))).to.match(
        new RegExp(`fit the config: first missing tensor '${key}'$`),
      );
      const bias = 'visual.blocks.1.attn.k_bias';
      const blank = { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) } as const;
      expect(await changed(all => all.set(bias, blank))).to.match(new RegExp(`first unused tensor '${bias}'$`));
      expect(await changed(all => all.set('visual.rope.freqs', blank))).to.include("unused tensor 'visual.rope.freqs'");
      expect(await changed(all => all.set('visual.cls_token', blank))).to.include(
        "'visual.cls_token' is [1], but the config asks for [1,1,96]",
      );
    });

    it('a tower whose heads the shapes do not tell, without a configuration', () =>
      inTemporaryFolder(async dir => {
        writeEva(join(dir, 'model'));
        copyFileSync(join(dir, 'model', 'model.safetensors'), join(dir, 'alone.safetensors'));
        expect(await rejection(loadClip(join(dir, 'alone.safetensors')))).to.include(
          'the image tower is 96 wide, no multiple of 64, so its heads need a config.json',
        );
      }));

    it('the configuration of another architecture, either way round', async () => {
      const { eva_model_name: _, ...plain } = evaJson.vision_cfg;
      expect(await refused({ json: { ...evaJson, vision_cfg: plain } })).to.match(
        /model\.safetensors: the weights are of EVA02-CLIP, but the config describes OpenAI's kind$/,
      );
      await inTemporaryFolder(async dir => {
        const weights = findGolden('clip-tiny/weights/open_clip-v512/open_clip_model.safetensors')!;
        mkdirSync(join(dir, 'other'));
        copyFileSync(weights, join(dir, 'other', 'model.safetensors'));
        writeFileSync(join(dir, 'other', 'config.json'), JSON.stringify(evaJson));
        expect(await rejection(loadClip(join(dir, 'other')))).to.match(
          /the weights are of OpenAI's kind, but the config describes EVA02-CLIP$/,
        );
      });
    });

    const others: [setting: object, message: string][] = [
      [{ rope: false }, 'got an EVA with no rotary positions'],
      [{ intp_freq: false }, 'got an EVA with rotary positions that no other grid may have'],
      [{ naiveswiglu: false }, 'got an EVA with no SwiGLU'],
      [{ subln: false }, 'got an EVA with no normalisation inside attention and feed-forward'],
      [{ postnorm: true }, 'got an EVA with normalisation after the residual branches'],
      [{ qkv_bias: false }, 'got an EVA with no biases of queries and values'],
      [{ global_average_pool: true }, 'got one with no class token pooling'],
      [{ ls_init_value: 1e-4 }, 'got one with LayerScale'],
      [{ head_width: 6 }, 'head_width: expected a multiple of 4 for rotary positions in rows and columns, got 6'],
      [{ pt_hw_seq_len: 0 }, 'vision_cfg.pt_hw_seq_len: '],
    ];
    for (const [setting, message] of others) {
      it(`a configuration with ${JSON.stringify(setting)}`, () => {
        const json = { ...evaJson, vision_cfg: { ...evaJson.vision_cfg, ...setting } };
        expect(() => parseConfigFile(json, 'c.json')).to.throw(InputError, message);
      });
    }

    it('a text tower that looks ahead', () => {
      const json = { ...evaJson, text_cfg: { ...evaJson.text_cfg, attn_mask: false } };
      expect(() => parseConfigFile(json, 'c.json')).to.throw(InputError, 'a text tower that looks ahead');
    });
  });

  it('has the sizes that are published', () => {
    const common = { drop_path_rate: 0, head_width: 64, mlp_ratio: 2.6667, rope: true, intp_freq: true };
    const traits = { naiveswiglu: true, subln: true, xattn: true, fusedLN: true, pt_hw_seq_len: 16 };
    const json = (embed: number, vision: object, width: number) => ({
      embed_dim: embed,
      vision_cfg: { ...common, ...traits, ...vision },
      text_cfg: { context_length: 77, vocab_size: 49408, width, heads: width / 64, layers: 12, xattn: true },
    });
    const base = { image_size: 224, layers: 12, width: 768, patch_size: 16, eva_model_name: 'eva-clip-b-16-X' };
    expect(parseConfigFile(json(512, base, 512), 'c.json')).to.deep.equal(namedConfigs['EVA02-CLIP-B-16']);
    const large = { image_size: 336, layers: 24, width: 1024, patch_size: 14, eva_model_name: 'eva-clip-l-14-336' };
    expect(parseConfigFile(json(768, large, 768), 'c.json')).to.deep.equal(namedConfigs['EVA02-CLIP-L-14-336']);
  });
});
