import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect } from 'chai';
import { describeModel, type LoadOptions, loadClip, openModel } from '../../src/checkpoint/loadClip.js';
import { InputError } from '../../src/errors.js';
import { safetensorsBytes } from '../../src/files/safetensors/write.js';
import { memory, tidy } from '../../src/tensor/tfjs.js';
import { useEngine } from '../engine.js';
import { rejection } from '../files/rejection.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { expectClose, findGolden, goldenPath, readGolden } from '../goldens.js';
import { pixelsOf, rowsOf } from '../model/tiny.js';
import { leavingNothing } from './openFiles.js';

const golden = readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!);
const at = (name: string) => findGolden(`clip-tiny/weights/${name}`)!;
const openClipFile = at('open_clip-v512/open_clip_model.safetensors');
const openClip = dirname(openClipFile);
const sharded = dirname(at('hf-v512-fp16-sharded/config.json'));
const deep = at('vision-deep7-fp16.safetensors');
const tolerance = { maxAbs: 1e-4 };

const refused = (name: string, options: LoadOptions = {}) => leavingNothing(() => rejection(loadClip(name, options)));

describe('loadClip', () => {
  before(useEngine);

  const forms: [label: string, path: string][] = [
    ['a Hugging Face folder of shards', sharded],
    ['an index of shards', join(sharded, 'model.safetensors.index.json')],
    ['an OpenCLIP folder', openClip],
    ['an OpenCLIP file', openClipFile],
    ['OpenAI’s TorchScript archive', 'openai-torchscript.pt'],
    ['a state dict of before PyTorch 1.6', 'openai-state-dict-legacy.pt'],
    ['a state dict', 'openai-state-dict.pt'],
    ['a training checkpoint', 'openclip-training-checkpoint.pt'],
  ];
  for (const [label, path] of forms) {
    it(`gives the reference’s features from ${label}`, function () {
      const name = path.includes('/') ? path : goldenPath(this, `clip-tiny/weights/${path}`);
      return leavingNothing(async () => {
        const clip = await loadClip(name);
        expect(clip.name).to.equal(name);
        const [images, texts] = tidy(() => [
          clip.image(pixelsOf(golden.pixels!)).pooled.dataSync().slice(),
          clip
            .text(
              rowsOf(golden.token_ids!)
                .slice(0, 5)
                .map(ids => ids.map(id => id % clip.config.text!.vocabulary)),
            )
            .embedding.dataSync()
            .slice(),
        ]) as unknown as [Float32Array, Float32Array];
        expectClose(images, golden.image_features!.data as Float32Array, tolerance);
        // The full vocabulary has other words at 510 and 511.
        if (clip.config.text!.vocabulary === 512) {
          expectClose(texts, (golden.hf_text_features!.data as Float32Array).subarray(0, 5 * 64), tolerance);
        }
        expect(clip.logitScale).to.be.closeTo(Math.exp(4.59375), 1e-9);
        clip.dispose();
      });
    });
  }

  it('brings what feeds the model: tokenizer, preprocessing, settings', () =>
    inTemporaryFolder(dir =>
      leavingNothing(async () => {
        symlinkSync(openClipFile, join(dir, 'open_clip_model.safetensors'));
        writeFileSync(join(dir, 'clipscope.json'), '{"templates": ["a {}"], "protocol": {"shortSide": 64}}');
        const config = JSON.parse(readFileSync(join(openClip, 'open_clip_config.json'), 'utf8'));
        config.preprocess_cfg.mean = [0.5, 0.25, 0];
        writeFileSync(join(dir, 'open_clip_config.json'), JSON.stringify(config));
        const clip = await loadClip(dir);
        expect(clip.settings).to.deep.equal({ templates: ['a {}'], protocol: { shortSide: 64 } });
        expect(clip.preprocessor.mean).to.deep.equal([0.5, 0.25, 0]);
        expect(clip.preprocessor.resize).to.deep.equal({ width: 64, height: 64, fit: 'shortest' });
        expect(() => clip.tokenizer.encode('word '.repeat(80))).to.throw('77');
        clip.dispose();
      }),
    ));

  it('reads one tower when asked for one, and says so when the other is used', () =>
    leavingNothing(async () => {
      const before = memory().numTensors;
      const counts: number[] = [];
      for (const towers of [['image'], ['text'], ['image', 'text'], undefined] as const) {
        const clip = await loadClip(sharded, towers ? { towers } : {});
        counts.push(memory().numTensors - before);
        if (!clip.config.text) {
          expect(() => clip.text([[1]])).to.throw(InputError, 'text: this model was loaded without its text tower');
        }
        if (!clip.config.image) {
          expect(() => tidy(() => clip.image(pixelsOf(golden.pixels!)))).to.throw(
            InputError,
            'image: this model was loaded without its image tower',
          );
        }
        clip.dispose();
      }
      const [image, text, both, all] = counts as [number, number, number, number];
      expect([both, all]).to.deep.equal([image + text, image + text]);
    }));

  it('reads a file of one tower, under a config of both too', () =>
    inTemporaryFolder(dir =>
      leavingNothing(async () => {
        const vision = await loadClip(deep);
        expect(vision.config.image!.layers).to.equal(7);
        expect(vision.config.text).to.equal(undefined);
        expect(vision.logitScale).to.equal(100);
        vision.dispose();
        const config = JSON.parse(readFileSync(join(sharded, 'config.json'), 'utf8'));
        config.vision_config.num_hidden_layers = 7;
        writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
        copyFileSync(deep, join(dir, 'model.safetensors'));
        const under = await loadClip(dir);
        expect(under.config).to.deep.equal(vision.config);
        under.dispose();
      }),
    ));

  it('takes another activation and epsilon than bare weights tell', () =>
    leavingNothing(async () => {
      const clip = await loadClip(openClipFile, { activation: 'gelu', layerNormEpsilon: 1e-6 });
      for (const tower of [clip.config.image!, clip.config.text!]) {
        expect([tower.activation, tower.layerNormEpsilon]).to.deep.equal(['gelu', 1e-6]);
      }
      clip.dispose();
    }));

  it('does not take towers that are not there', async () => {
    expect(await refused(deep, { towers: ['text'] })).to.equal(
      `model '${deep}': expected a checkpoint with the text tower; it has none`,
    );
    expect(await refused(sharded, { towers: [] })).to.include("expected 'image' or 'text' among towers, got none");
  });

  it('refuses weights that do not fit their config, naming what is wrong', () =>
    inTemporaryFolder(async dir => {
      copyFileSync(openClipFile, join(dir, 'open_clip_model.safetensors'));
      const write = (change: (config: { vision_cfg: Record<string, unknown>; embed_dim: number }) => void) => {
        const config = JSON.parse(readFileSync(join(openClip, 'open_clip_config.json'), 'utf8'));
        change(config.model_cfg);
        writeFileSync(join(dir, 'open_clip_config.json'), JSON.stringify(config));
      };
      write(({ vision_cfg }) => {
        vision_cfg.layers = 6;
      });
      expect(await refused(dir)).to.include("first missing tensor 'visual.transformer.resblocks.4.ln_1.weight'");
      write(({ vision_cfg }) => {
        vision_cfg.layers = 3;
      });
      expect(await refused(dir)).to.include("first unused tensor 'visual.transformer.resblocks.3.");
      write(config => {
        config.embed_dim = 999_999;
      });
      const before = process.memoryUsage().rss;
      expect(await refused(dir)).to.include("tensor 'visual.proj' is [128,64], but the config asks for [128,999999]");
      expect(process.memoryUsage().rss - before).to.be.below(100e6);
      writeFileSync(join(dir, 'open_clip_config.json'), '{"model_cfg": ');
      expect(await refused(dir)).to.match(/open_clip_config\.json: not valid JSON: /);
    }));

  it('leaves nothing of a file whose bytes turn out wrong half way', () =>
    inTemporaryFolder(async dir => {
      const bytes = readFileSync(at('openai-torchscript.pt'));
      // One bit of the text table, which is read after the whole image tower.
      const whole = openModel(at('openai-torchscript.pt'));
      const table = whole.file.read('token_embedding.weight').bytes;
      whole.file.close();
      const place = bytes.indexOf(table);
      expect(place).to.be.above(0);
      bytes[place] = bytes[place]! ^ 1;
      writeFileSync(join(dir, 'broken.pt'), bytes);
      expect(await refused(join(dir, 'broken.pt'))).to.match(/broken\.pt: .*CRC/);
    }));

  it('refuses files that are no weights', () =>
    inTemporaryFolder(async dir => {
      const write = (name: string, bytes: Uint8Array | string) => {
        writeFileSync(join(dir, name), bytes);
        return join(dir, name);
      };
      expect(await refused(write('empty.safetensors', ''))).to.match(/empty\.safetensors: /);
      expect(await refused(write('text.pt', 'not a checkpoint at all'))).to.match(/text\.pt: /);
      expect(await refused(write('zip.pt', 'PK\u0003\u0004'))).to.match(/zip\.pt: /);
      expect(await refused(write('pickle.pt', Buffer.from([0x80, 2, 0x8a, 0x0a])))).to.match(/pickle\.pt: /);
      expect(await refused(write('other.json', '{}'))).to.match(/other\.json: /);
      const bert = safetensorsBytes([['bert.weight', { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) }]]);
      expect(await refused(write('bert.safetensors', bert))).to.include(
        'expected a CLIP checkpoint of OpenAI, OpenCLIP, Hugging Face or EVA-CLIP',
      );
      mkdirSync(join(dir, 'sub.safetensors'));
      expect(await refused(join(dir, 'sub.safetensors'))).to.include("expected a model's weights there");
    }));
});

describe('describeModel', () => {
  it('gives sizes without weights, from a config or from shapes', () =>
    inTemporaryFolder(dir => {
      copyFileSync(join(sharded, 'config.json'), join(dir, 'config.json'));
      const described = describeModel(dir);
      expect(described.config.image!.layers).to.equal(4);
      expect(described.preprocessor.crop).to.deep.equal({ width: 64, height: 64 });
      expect(described.files).to.deep.equal({ name: dir, folder: dir, config: join(dir, 'config.json') });
      expect(describeModel(deep).config.image!.layers).to.equal(7);
      expect(basename(describeModel(deep).files.weights!)).to.equal('vision-deep7-fp16.safetensors');
      expect(describeModel(dir, { activation: 'gelu' }).config.text!.activation).to.equal('gelu');
    }));
});
