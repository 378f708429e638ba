import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parseConfigFile } from '../../src/checkpoint/configFile.js';
import { parseSettings } from '../../src/checkpoint/settings.js';
import { InputError } from '../../src/errors.js';
import { namedConfigs } from '../../src/model/config.js';
import { cpuTime } from '../cpuTime.js';
import { findGolden } from '../goldens.js';

const golden = (name: string) => JSON.parse(readFileSync(findGolden(`clip-tiny/weights/${name}`)!, 'utf8'));

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).to.be.instanceOf(InputError);
    expect((error as Error).message)
      .to.match(/^c\.json: .+$/)
      .and.not.match(/[\r\n]/);
    return (error as Error).message.slice('c.json: '.length);
  }
  throw new Error('nothing was refused');
}
const refused = (json: unknown) => refusal(() => parseConfigFile(json, 'c.json'));
const parse = (json: unknown) => parseConfigFile(json, 'c.json');

describe('sizes from a Hugging Face config', () => {
  const tiny = golden('hf-v512-fp16-sharded/config.json');

  it('are those of the file', () => {
    expect(parse(tiny)).to.deep.equal({
      embedding: 64,
      image: {
        width: 128,
        layers: 4,
        heads: 2,
        mlpWidth: 512,
        activation: 'quick_gelu',
        layerNormEpsilon: 1e-5,
        patch: 16,
        imageSize: 64,
      },
      text: {
        width: 64,
        layers: 2,
        heads: 1,
        mlpWidth: 256,
        activation: 'quick_gelu',
        layerNormEpsilon: 1e-5,
        context: 77,
        vocabulary: 512,
        pooling: { firstOf: 511 },
      },
    });
  });

  it('that are left out are the defaults of transformers: ViT-B/32', () => {
    const { text, ...rest } = namedConfigs['ViT-B/32']!;
    const expected = { ...rest, text: { ...text, pooling: { firstOf: 49407 } } };
    expect(parse({ model_type: 'clip' })).to.deep.equal(expected);
    expect(parse({})).to.deep.equal(expected);
    expect(parse({ text_config: null, vision_config: null })).to.deep.equal(expected);
    expect(parse({ vision_config: { patch_size: 16 }, text_config: { eos_token_id: 2 } })).to.deep.equal(
      namedConfigs['ViT-B/16'],
    );
  });

  it('of the larger published models are theirs', () => {
    const towers = {
      vision_config: {
        hidden_size: 1024,
        intermediate_size: 4096,
        num_hidden_layers: 24,
        num_attention_heads: 16,
        patch_size: 14,
        image_size: 336,
      },
      text_config: {
        hidden_size: 768,
        intermediate_size: 3072,
        num_attention_heads: 12,
        eos_token_id: 2,
        bos_token_id: 0,
      },
      projection_dim: 768,
    };
    expect(parse(towers)).to.deep.equal(namedConfigs['ViT-L/14@336px']);
  });

  it('keep an activation and an epsilon of their own', () => {
    const { image, text } = parse({
      vision_config: { hidden_act: 'gelu', layer_norm_eps: 1e-6 },
      text_config: { hidden_act: 'gelu' },
    });
    expect([image!.activation, image!.layerNormEpsilon, text!.activation, text!.layerNormEpsilon]).to.deep.equal([
      'gelu',
      1e-6,
      'gelu',
      1e-5,
    ]);
  });

  it('may be of one tower, flat or nested', () => {
    const { image, embedding } = parse(tiny);
    const flat = { ...tiny.vision_config, projection_dim: 64 };
    expect(parse(flat)).to.deep.equal({ image, embedding });
    const nested = { model_type: 'clip_vision_model', projection_dim: 64, vision_config: tiny.vision_config };
    expect(parse(nested)).to.deep.equal({ image, embedding });
    const { text } = parse(tiny);
    expect(parse({ ...tiny.text_config, projection_dim: 64 })).to.deep.equal({ text, embedding });
  });

  it('must be an object that describes a CLIP', () => {
    for (const json of [null, [], 'config', 7])
      expect(refused(json)).to.equal("expected a JSON object with the model's sizes");
    expect(refused({ model_type: 'siglip' })).to.equal("expected model_type 'clip', got 'siglip'");
    expect(refused({ model_type: 'x'.repeat(10_000) })).to.have.length.below(120);
    expect(refused({ model_type: 3 })).to.match(/^model_type: /);
    expect(refused({ vision_config: [] })).to.match(/expected object/);
  });

  const bad: [where: string, vision: object, message: RegExp][] = [
    ['a size that is no number', { hidden_size: '128' }, /^hidden_size: .*number/],
    ['a size of nothing', { hidden_size: 0 }, /^hidden_size: /],
    ['a fraction', { num_hidden_layers: 1.5 }, /^num_hidden_layers: /],
    ['a size beyond all models', { hidden_size: 1e9 }, /^hidden_size: .*1000000/],
    ['an epsilon below nothing', { layer_norm_eps: -1e-5 }, /^layer_norm_eps: /],
    ['other than three channels', { num_channels: 1 }, /^num_channels: /],
    ['heads that do not divide the width', { num_attention_heads: 7 }, /^width 768 is no multiple of 7 heads/],
    ['an image smaller than a patch', { image_size: 16 }, /^image_size 16 is smaller than a patch of 32/],
  ];
  for (const [where, vision_config, message] of bad) {
    it(`refuse ${where}`, () => expect(refused({ vision_config })).to.match(message));
  }

  it('refuse an activation that is not known, with the nearest', () => {
    expect(refused({ vision_config: { hidden_act: 'quickgelu' } })).to.equal(
      "unknown activation 'quickgelu'; did you mean quick_gelu?",
    );
    expect(refused({ text_config: { hidden_act: 'swish' } })).to.include('known: quick_gelu, gelu');
    expect(refused({ text_config: { hidden_act: 'constructor' } })).to.match(/^unknown activation/);
  });

  it('refuse an end token outside the vocabulary, which no text could hold', () => {
    expect(refused({ text_config: { vocab_size: 512 } })).to.equal(
      'eos_token_id 49407 is outside the vocabulary of 512',
    );
    expect(refused({ text_config: { eos_token_id: -1 } })).to.include('eos_token_id');
  });

  it('refuse a million layers before they cost anything', async () => {
    const time = await cpuTime(() => {
      for (const json of [
        { vision_config: { num_hidden_layers: 1_000_000 } },
        { text_config: { num_hidden_layers: 1001 } },
        { model_cfg: { embed_dim: 8, vision_cfg: { layers: 1e6 }, text_cfg: {} } },
        { model_cfg: { embed_dim: 8, vision_cfg: {}, text_cfg: { layers: 1e6 } } },
      ]) {
        expect(refused(json)).to.match(/layers: .*/);
      }
    });
    expect(time).to.be.below(500);
  });
});

describe('sizes from an OpenCLIP config', () => {
  const tiny = golden('open_clip-v512/open_clip_config.json');
  const change = (vision: object, text: object = {}, model: object = {}) => ({
    model_cfg: {
      ...tiny.model_cfg,
      ...model,
      vision_cfg: { ...tiny.model_cfg.vision_cfg, ...vision },
      text_cfg: { ...tiny.model_cfg.text_cfg, ...text },
    },
  });

  it('are those of the file', () => {
    const hf = parse(golden('hf-v512-fp16-sharded/config.json'));
    expect(parse(tiny)).to.deep.equal({ ...hf, text: { ...hf.text, pooling: 'largest-id' } });
  });

  it('that are left out are OpenCLIP’s defaults, with the exact GELU', () => {
    const { image, text, embedding } = parse({ model_cfg: { embed_dim: 512, vision_cfg: {}, text_cfg: {} } });
    const b16 = namedConfigs['ViT-B/16']!;
    expect({ image, text, embedding }).to.deep.equal({
      embedding: 512,
      image: { ...b16.image, activation: 'gelu' },
      text: { ...b16.text, activation: 'gelu' },
    });
  });

  it('may be pairs, and ratios of their own', () => {
    const { image, text } = parse(
      change({ image_size: [64, 64], patch_size: [16, 16], mlp_ratio: 4.9231, head_width: 32 }, { mlp_ratio: 2 }),
    );
    expect([image!.imageSize, image!.patch, image!.heads, image!.mlpWidth, text!.mlpWidth]).to.deep.equal([
      64, 16, 4, 630, 128,
    ]);
  });

  const others: [setting: string, json: object, kind: string][] = [
    ['timm_model_name', change({ timm_model_name: 'vit_base_patch16_siglip_224' }), 'a timm image tower'],
    ['layers', change({ layers: [3, 4, 6, 3] }), 'a ResNet image tower'],
    ['hf_model_name', change({}, { hf_model_name: 'roberta-base' }), 'a text tower from transformers'],
    ['ls_init_value', change({ ls_init_value: 1e-5 }), 'LayerScale'],
    ['ls_init_value in the text', change({}, { ls_init_value: 0 }), 'LayerScale'],
    ['attentional_pool', change({ attentional_pool: true }), 'an attention pool'],
    ['pool_type', change({ pool_type: 'avg' }), 'no class token pooling'],
    ['text pool_type', change({}, { pool_type: 'last' }), 'no class token pooling'],
    ['no_ln_pre', change({ no_ln_pre: true }), 'no pre-normalisation'],
    ['embed_cls', change({}, { embed_cls: true }), 'a class token in the text'],
    ['pos_embed_type', change({ pos_embed_type: 'sin_cos_2d' }), 'sine positions'],
    ['final_ln_after_pool', change({ final_ln_after_pool: true, pool_type: 'avg' }), 'no class token pooling'],
    ['global_average_pool', change({ global_average_pool: true }), 'no class token pooling'],
    ['act_kwargs', change({ act_kwargs: { approximate: 'tanh' } }), 'a variant of GELU'],
    ['no_causal_mask', change({}, { no_causal_mask: true }), 'a text tower that looks ahead'],
  ];
  for (const [setting, json, kind] of others) {
    it(`refuse another network: ${setting}`, () => {
      expect(refused(json)).to.equal(`expected a ViT CLIP, got one with ${kind}`);
    });
  }

  it('keep an epsilon of their own', () => {
    const { image, text } = parse(change({ norm_kwargs: { eps: 1e-6 } }, { norm_kwargs: {} }));
    expect([image!.layerNormEpsilon, text!.layerNormEpsilon]).to.deep.equal([1e-6, 1e-5]);
  });

  it('accept settings that say what CLIP is anyway', () => {
    const plain = change(
      {
        timm_model_name: null,
        ls_init_value: null,
        attentional_pool: false,
        pool_type: 'tok',
        pos_embed_type: 'learnable',
      },
      { hf_model_name: '', pool_type: 'argmax', embed_cls: false },
    );
    expect(parse(plain)).to.deep.equal(parse(tiny));
  });

  it('refuse what is missing or out of range, by its path', () => {
    expect(refused({ model_cfg: { vision_cfg: {}, text_cfg: {} } })).to.match(/^model_cfg\.embed_dim: /);
    expect(refused({ model_cfg: { embed_dim: 512, text_cfg: {} } })).to.match(/^model_cfg\.vision_cfg: /);
    expect(refused(change({ width: -1 }))).to.match(/^model_cfg\.vision_cfg\.width: /);
    expect(refused(change({ head_width: 1000 }))).to.match(/^width 128 is no multiple of 0 heads/);
    expect(refused(change({ patch_size: [16, 8] }))).to.match(/^model_cfg\.vision_cfg\.patch_size: expected a square/);
    expect(refused(change({ image_size: [64, 32] }))).to.match(/^model_cfg\.vision_cfg\.image_size: expected a square/);
  });
});

describe('settings beside a model', () => {
  it('are read, and may be empty', () => {
    const settings = {
      templates: ['a {}.', '{} here'],
      protocol: { shortSide: 96, window: 96, stride: 48 },
      about: 'x',
    };
    expect(parseSettings(settings, 'c.json')).to.deep.equal(settings);
    expect(parseSettings({}, 'c.json')).to.deep.equal({});
  });

  it('are refused by the field that is wrong', () => {
    const refused = (json: unknown) => refusal(() => parseSettings(json, 'c.json'));
    expect(refused({ templates: ['no place for the name'] })).to.match(/^templates\.0: /);
    expect(refused({ templates: [] })).to.match(/^templates: /);
    expect(refused({ protocol: { window: 1.5 } })).to.match(/^protocol\.window: /);
    expect(refused({ protocol: { stirde: 1 } })).to.match(/^protocol: .*stirde/);
    expect(refused({ template: [] })).to.match(/^the file: .*template/);
    expect(refused([])).to.match(/^the file: /);
  });
});
