import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import type { ClipConfig } from '../../../src/model/config.js';
import { namedConfigs } from '../../../src/model/config.js';
import { checkWeights, configFromShapes, openCheckpoint, storedShape } from '../../../src/model/weights/checkpoint.js';
import { entryOf, evaClip, huggingFace, openAi, openClip, plainName } from '../../../src/model/weights/dialects.js';
import { rolesOf } from '../../../src/model/weights/roles.js';
import { blank, openAiTensors, renamed, type Stored, sourceOf } from './sources.js';

const tiny: ClipConfig = {
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
    pooling: 'largest-id',
  },
};

/** Names and shapes alone, of a model that is not there: values are empty, so nothing may read them. */
function shapesOf(config: ClipConfig, dialect: typeof openAi): Map<string, Stored> {
  return new Map(
    [...rolesOf(config)].map(([role, shape]) => {
      const { theirs, form } = entryOf(dialect, role);
      return [theirs, { shape: storedShape(shape, form), values: new Float32Array(0) }];
    }),
  );
}

const open = (tensors: ReadonlyMap<string, Stored>) => openCheckpoint(sourceOf(tensors));

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).to.be.instanceOf(InputError);
    expect((error as Error).message).to.match(/^stub: /);
    return (error as Error).message.slice('stub: '.length);
  }
  throw new Error('nothing was refused');
}

describe('sizes from the shapes of a checkpoint', () => {
  it('are those of the tiny CLIP', () => {
    expect(configFromShapes(open(openAiTensors()))).to.deep.equal(tiny);
  });

  for (const dialect of [openAi, openClip, huggingFace]) {
    it(`are those of the published models, by ${dialect.name} names`, () => {
      for (const [name, config] of Object.entries(namedConfigs)) {
        if (config.image!.eva) continue;
        const checkpoint = open(shapesOf(config, dialect));
        expect(checkpoint.dialect.name).to.equal(dialect.name);
        const asTrained = (tower: 'image' | 'text') => ({ ...config[tower], activation: 'quick_gelu' });
        expect(configFromShapes(checkpoint), name).to.deep.equal({
          ...config,
          image: asTrained('image'),
          text: asTrained('text'),
        });
        checkWeights(checkpoint, config);
      }
    });
  }

  it('are those of the published EVA02-CLIPs, which the names tell', () => {
    for (const [name, config] of Object.entries(namedConfigs)) {
      if (!config.image!.eva) continue;
      const wrapped = [...shapesOf(config, evaClip)].map(([tensor, stored]) => [`module.${tensor}`, stored] as const);
      const tables = ['rope', 'blocks.0.attn.rope'].map(
        place => [`module.visual.${place}.freqs_cos`, blank(196, 64)] as const,
      );
      const checkpoint = open(new Map([...wrapped, ...tables]));
      expect(checkpoint.dialect.name).to.equal('eva_clip');
      expect(configFromShapes(checkpoint), name).to.deep.equal(config);
      checkWeights(checkpoint, config);
    }
  });

  it('are of one tower where there is one', () => {
    const all = openAiTensors();
    const { text, ...image } = tiny;
    expect(configFromShapes(open(renamed(all, name => (name.startsWith('visual.') ? name : undefined))))).to.deep.equal(
      image,
    );
    const { image: _, ...words } = tiny;
    expect(configFromShapes(open(renamed(all, name => (name.startsWith('visual.') ? undefined : name))))).to.deep.equal(
      words,
    );
    expect(text).to.not.equal(undefined);
  });

  it('need the projection, and heads of 64 channels', () => {
    const all = openAiTensors();
    const vision = renamed(all, name => (name.startsWith('visual.') && name !== 'visual.proj' ? name : undefined));
    expect(refusal(() => configFromShapes(open(vision)))).to.equal(
      "tensor 'visual.proj' is missing; without it there is no joint embedding",
    );
    for (const width of [80, 0]) {
      const odd = new Map([
        ...vision,
        ['visual.proj', blank(width, 64)],
        ['visual.conv1.weight', blank(width, 3, 16, 16)],
      ]);
      expect(refusal(() => configFromShapes(open(odd)))).to.equal(
        `the image tower is ${width} wide, no multiple of 64, so its heads need a config.json`,
      );
    }
  });
});

describe('weights held against a config', () => {
  const spoilt = (change: (tensors: Map<string, Stored>) => void, config = tiny) => {
    const tensors = openAiTensors();
    change(tensors);
    return refusal(() => checkWeights(open(tensors), config));
  };
  const missing = 'visual.transformer.resblocks.2.mlp.c_fc.bias';

  it('pass when each has its shape', () => {
    checkWeights(open(openAiTensors()), tiny);
  });

  it('name the first missing', () => {
    const last = 'visual.transformer.resblocks.3.ln_1.weight';
    const message = `the weights do not fit the config: first missing tensor '${missing}'`;
    expect(spoilt(tensors => tensors.delete(missing) && tensors.delete(last))).to.equal(message);
  });

  it('name the first unused', () => {
    expect(spoilt(tensors => tensors.set('visual.extra', blank(1)).set('more', blank(1)))).to.equal(
      "the weights do not fit the config: first unused tensor 'visual.extra'",
    );
  });

  it('name both, as when one was misspelt', () => {
    const misspelt = renamed(openAiTensors(), name => (name === missing ? missing.replace('bias', 'bais') : name));
    expect(refusal(() => checkWeights(open(misspelt), tiny))).to.equal(
      `the weights do not fit the config: first missing tensor '${missing}', ` +
        `first unused tensor '${missing.replace('bias', 'bais')}'`,
    );
  });

  it('name the one with another shape, and both shapes', () => {
    expect(spoilt(tensors => tensors.set('visual.proj', blank(64, 128)))).to.equal(
      "tensor 'visual.proj' is [64,128], but the config asks for [128,64]",
    );
    const packed = 'transformer.resblocks.1.attn.in_proj_weight';
    expect(spoilt(tensors => tensors.set(packed, blank(64, 192)))).to.equal(
      `tensor '${packed}' is [64,192], but the config asks for [192,64]`,
    );
    expect(spoilt(tensors => tensors.set(missing, blank(512, 1)))).to.include('[512,1], but the config asks for [512]');
    expect(spoilt(() => {}, { ...tiny, image: { ...tiny.image!, imageSize: 80 } })).to.equal(
      "tensor 'visual.positional_embedding' is [17,128], but the config asks for [26,128]",
    );
  });

  it('may be more or fewer layers than the config only by mistake', () => {
    const image = (layers: number) => ({ ...tiny, image: { ...tiny.image!, layers } });
    expect(spoilt(() => {}, image(5))).to.include("first missing tensor 'visual.transformer.resblocks.4.ln_1.weight'");
    expect(spoilt(() => {}, image(3))).to.match(/first unused tensor 'visual\.transformer\.resblocks\.3\./);
  });

  it('may store the scalar as [] or [1], and need it for two towers only', () => {
    for (const shape of [[], [1]]) {
      const tensors = new Map([...openAiTensors(), ['logit_scale', blank(...shape)]]);
      checkWeights(open(tensors), tiny);
    }
    expect(spoilt(tensors => tensors.delete('logit_scale'))).to.include("first missing tensor 'logit_scale'");
    expect(spoilt(tensors => tensors.set('logit_scale', blank(2)))).to.include("'logit_scale' is [2], but");
    const { text: _, ...image } = tiny;
    const vision = renamed(openAiTensors(), name => (/^visual\.|^logit_scale$/.test(name) ? name : undefined));
    checkWeights(open(vision), image);
    for (const shape of [[0], [1000]]) {
      expect(
        refusal(() => checkWeights(open(new Map([...vision, ['logit_scale', blank(...shape)]])), image)),
      ).to.include(`'logit_scale' is [${shape}], but the config asks for []`);
    }
    vision.delete('logit_scale');
    checkWeights(open(vision), image);
  });

  it('may come with buffers and notes that are no weights', () => {
    const notes = ['input_resolution', 'context_length', 'vocab_size', 'attn_mask', 'logit_bias'];
    const tensors = new Map([...openAiTensors(), ...notes.map(name => [name, blank(3)] as const)]);
    checkWeights(open(tensors), tiny);
  });
});

describe('dialects', () => {
  it('are told apart with what training wrappers put before the names', () => {
    const all = openAiTensors();
    const tinyClipName = (name: string) => {
      if (name.startsWith('visual.')) return `_image_encoder.${name}`;
      return name === 'logit_scale' ? `_logit_scale.${name}` : `_text_encoder.${name}`;
    };
    const wrappings: ((name: string) => string)[] = [
      name => `module.${name}`,
      tinyClipName,
      name => `module.${tinyClipName(name)}`,
      name => tinyClipName(name).replace(/^(_\w+\.)/, '$1module.'),
    ];
    for (const wrap of wrappings) {
      const checkpoint = open(renamed(all, wrap));
      expect(checkpoint.dialect.name).to.equal('openai');
      checkWeights(checkpoint, tiny);
      expect(plainName(wrap('visual.proj'))).to.equal('visual.proj');
    }
  });

  it('name a tensor as the file does in errors, wrapper and all', () => {
    const wrapped = renamed(openAiTensors(), name => `module.${name}`);
    wrapped.set('module.visual.proj', blank(1, 1));
    expect(refusal(() => checkWeights(open(wrapped), tiny))).to.include("tensor 'module.visual.proj' is [1,1]");
  });

  it('do not take two tensors for one', () => {
    const twice = new Map([...openAiTensors(), ['module.visual.proj', blank(128, 64)]]);
    expect(refusal(() => open(twice))).to.equal(
      "tensors 'visual.proj' and 'module.visual.proj' both stand for 'visual.proj'",
    );
  });

  it('are none of a file that holds no CLIP', () => {
    expect(refusal(() => open(new Map()))).to.equal(
      'expected a CLIP checkpoint of OpenAI, OpenCLIP, Hugging Face or EVA-CLIP, got 0 tensors',
    );
    const bert = new Map([['bert.embeddings.word_embeddings.weight', blank(1, 1)]]);
    expect(refusal(() => open(bert))).to.include(
      "got 1 tensors beginning with 'bert.embeddings.word_embeddings.weight'",
    );
    expect(refusal(() => open(new Map([['x'.repeat(100_000), blank(1)]])))).to.have.length.below(250);
  });

  const foreign: [tensor: string, kind: string][] = [
    ['visual.layer1.0.conv1.weight', 'a ResNet image tower'],
    ['visual.attnpool.positional_embedding', 'a ResNet image tower'],
    ['visual.trunk.patch_embed.proj.weight', 'a timm image tower'],
    ['visual.transformer.resblocks.0.ls_1.gamma', 'LayerScale'],
    ['visual.attn_pool.query', 'an attention pool'],
    ['text.transformer.embeddings.word_embeddings.weight', 'a text tower from transformers'],
    ['visual.blocks.0.attn.qkv.weight', 'an EVA image tower with queries, keys and values in one matrix'],
  ];
  for (const [tensor, kind] of foreign) {
    it(`refuse ${kind} by name: ${tensor}`, () => {
      const tensors = new Map([...openAiTensors(), [`module.${tensor}`, blank(1)]]);
      expect(refusal(() => open(tensors))).to.equal(`expected a ViT CLIP, got one with ${kind} (tensor '${tensor}')`);
    });
  }
});
