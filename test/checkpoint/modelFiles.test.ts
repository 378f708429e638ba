import { copyFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect } from 'chai';
import { openModel } from '../../src/checkpoint/loadClip.js';
import { findModel, openWeights } from '../../src/checkpoint/modelFiles.js';
import { InputError } from '../../src/errors.js';
import { safetensorsBytes } from '../../src/files/safetensors/write.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { findGolden } from '../goldens.js';
import { openModelFiles } from './openFiles.js';

const openClip = dirname(findGolden('clip-tiny/weights/open_clip-v512/open_clip_config.json')!);
const anything = safetensorsBytes([['x', { dtype: 'U8', shape: [1], bytes: Uint8Array.of(1) }]]);

describe('the files of a model', () => {
  it('are found in a folder, the best weights first', () =>
    inTemporaryFolder(dir => {
      const best = [
        'model.safetensors',
        'model.safetensors.index.json',
        'open_clip_model.safetensors',
        'open_clip_pytorch_model.safetensors',
        'pytorch_model.bin',
        'open_clip_pytorch_model.bin',
        'only-one.pt',
      ];
      for (const name of [...best].reverse()) {
        writeFileSync(join(dir, name), '');
        expect(basename(findModel(dir).weights!)).to.equal(name);
      }
    }));

  it('are one single weights file of any name, but not one of two', () =>
    inTemporaryFolder(dir => {
      expect(() => findModel(dir)).to.throw(
        InputError,
        `${dir}: expected a model's weights there, such as model.safetensors; found none`,
      );
      writeFileSync(join(dir, 'ViT-B-16.pt'), '');
      writeFileSync(join(dir, 'notes.txt'), '');
      expect(findModel(dir)).to.deep.equal({ name: dir, folder: dir, weights: join(dir, 'ViT-B-16.pt') });
      writeFileSync(join(dir, 'ViT-B-32.pt'), '');
      expect(() => findModel(dir)).to.throw(InputError, 'found none');
    }));

  it('are a config alone where weights are not needed', () =>
    inTemporaryFolder(dir => {
      writeFileSync(join(dir, 'config.json'), '{}');
      expect(() => findModel(dir)).to.throw(InputError, 'found none');
      expect(findModel(dir, { weights: 'optional' })).to.deep.equal({
        name: dir,
        folder: dir,
        config: join(dir, 'config.json'),
      });
    }));

  it('are those beside a file', () =>
    inTemporaryFolder(dir => {
      for (const name of ['a.pt', 'config.json', 'preprocessor_config.json', 'clipscope.json']) {
        writeFileSync(join(dir, name), '{}');
      }
      expect(findModel(join(dir, 'a.pt'))).to.deep.equal({
        name: join(dir, 'a.pt'),
        folder: dir,
        weights: join(dir, 'a.pt'),
        config: join(dir, 'config.json'),
        preprocessor: join(dir, 'preprocessor_config.json'),
        settings: join(dir, 'clipscope.json'),
      });
    }));

  it('are OpenCLIP’s where its files lie beside those of timm', () =>
    inTemporaryFolder(dir => {
      symlinkSync(join(openClip, 'open_clip_model.safetensors'), join(dir, 'open_clip_model.safetensors'));
      copyFileSync(join(openClip, 'open_clip_config.json'), join(dir, 'open_clip_config.json'));
      writeFileSync(join(dir, 'config.json'), '{"architecture": "vit_tiny_patch16_clip", "num_classes": 0}');
      writeFileSync(join(dir, 'model.safetensors'), anything);
      for (const name of [dir, join(dir, 'open_clip_model.safetensors')]) {
        const { files, file, config } = openModel(name);
        file.close();
        expect(basename(files.weights!)).to.equal('open_clip_model.safetensors');
        expect(basename(files.config!)).to.equal('open_clip_config.json');
        expect(config.image!.width).to.equal(128);
      }
      // A config.json that is CLIP's own comes first, and so do the weights it belongs to.
      writeFileSync(join(dir, 'config.json'), '{"model_type": "clip"}');
      expect(findModel(dir)).to.include({ weights: join(dir, 'model.safetensors'), config: join(dir, 'config.json') });
    }));

  it('are none of a name that nothing has, with a hint when it could be a hub’s', () => {
    const hub = 'nobody/has-this-model';
    expect(() => findModel(hub)).to.throw(
      InputError,
      `model '${hub}': no such file or folder; 'clipscope pull ${hub}' downloads it if it is a hub id`,
    );
    for (const name of ['/no/such/place', './nothing', 'missing.safetensors', 'a b', '../up']) {
      expect(() => findModel(name))
        .to.throw(InputError, `model '${name}': no such file or folder`)
        .with.property('message')
        .that.does.not.include('pull');
    }
    expect(() => findModel('')).to.throw(InputError, 'model: expected a folder, a file or a hub id, got nothing');
  });
});

describe('opening weights', () => {
  it('tells files apart by their first bytes, not their names', () =>
    inTemporaryFolder(dir => {
      const formats: Record<string, string> = {
        'openai-torchscript.pt': 'torch-script',
        'openai-state-dict-legacy.pt': 'torch-legacy',
        'open_clip-v512/open_clip_model.safetensors': 'safetensors',
      };
      for (const [name, format] of Object.entries(formats)) {
        const path = join(dir, `${format}.bin`);
        symlinkSync(findGolden(`clip-tiny/weights/${name}`)!, path);
        const file = openWeights(path);
        expect(file.format).to.equal(format);
        file.close();
      }
    }));

  it('takes a header whose length begins with the letters of a zip archive', () =>
    inTemporaryFolder(dir => {
      // 0x4b50 bytes of header: "PK", then zeros.
      const tensor = { dtype: 'U8', shape: [1], bytes: Uint8Array.of(1) } as const;
      const bare = safetensorsBytes([['x', tensor]], new Map([['pad', '']]));
      const length = Number(Buffer.from(bare).readBigUInt64LE(0));
      const padded = safetensorsBytes([['x', tensor]], new Map([['pad', ' '.repeat(0x4b50 - length)]]));
      expect(Buffer.from(padded.subarray(0, 8)).toString('latin1')).to.equal('PK\0\0\0\0\0\0');
      writeFileSync(join(dir, 'a.safetensors'), padded);
      const file = openWeights(join(dir, 'a.safetensors'));
      expect(file.format).to.equal('safetensors');
      file.close();
    }));

  it('closes what it refuses', () =>
    inTemporaryFolder(dir => {
      const before = openModelFiles();
      for (const [name, bytes] of Object.entries({
        empty: '',
        zip: 'PK\u0003\u0004',
        text: 'hello there',
        index: '{}',
      })) {
        writeFileSync(join(dir, name), bytes);
        expect(() => openWeights(join(dir, name))).to.throw(InputError, join(dir, name));
      }
      expect(() => openWeights(dir)).to.throw(InputError, 'expected a file, got a directory');
      expect(() => openWeights(join(dir, 'none'))).to.throw(InputError, 'no such file');
      expect(openModelFiles()).to.deep.equal(before);
    }));
});
