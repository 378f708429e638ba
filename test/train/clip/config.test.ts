import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { modelConfig, parseTrainConfig, readTrainConfig } from '../../../src/train/clip/config.js';
import { partsOf } from '../../../src/train/clip/sceneBatch.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { tinyConfig, tinyJson } from '../tiny.js';

/** The tiny configuration with a value put under a path, or taken away. */
function changed(path: string, value: unknown): unknown {
  const json = structuredClone(tinyJson) as unknown as Record<string, unknown>;
  const keys = path.split('.');
  const holder = keys.slice(0, -1).reduce((inner, key) => inner[key] as Record<string, unknown>, json);
  if (value === undefined) delete holder[keys.at(-1)!];
  else holder[keys.at(-1)!] = value;
  return json;
}

describe('the configuration of train clip', () => {
  it('fills in what is left out', () => {
    const config = tinyConfig();
    expect(config.optimiser).to.deep.equal({
      rate: 0.01,
      warmup: 2,
      floor: 0,
      beta1: 0.9,
      beta2: 0.98,
      epsilon: 1e-6,
      decay: 0.1,
      clip: 1,
    });
    expect(config.data.stages[0]).to.deep.equal({
      fromStep: 1,
      share: 1,
      scenes: { objects: [1, 1], radius: [20, 40] },
      captions: {},
      twins: 4,
    });
    expect(config).to.not.have.property('evaluation');
    expect(modelConfig(config)).to.deep.equal({
      embedding: 8,
      image: { ...tinyJson.model.image, activation: 'quick_gelu', layerNormEpsilon: 1e-5 },
      text: {
        ...tinyJson.model.text,
        activation: 'quick_gelu',
        layerNormEpsilon: 1e-5,
        vocabulary: 49408,
        pooling: 'largest-id',
      },
    });
  });

  it('is the same however often it is checked', () => {
    expect(parseTrainConfig(JSON.parse(JSON.stringify(tinyConfig())), 'again')).to.deep.equal(tinyConfig());
  });

  const bad: [path: string, value: unknown, says: RegExp][] = [
    ['optimiser.rte', 1, /'optimiser\.rte': unknown key; did you mean rate/],
    ['setps', 1, /'setps': unknown key; did you mean steps/],
    ['data.stages.0.scenes.radios', [1, 2], /'data\.stages\.0\.scenes\.radios': unknown key; did you mean radius/],
    ['checkpoint.evry', 3, /'checkpoint\.evry': unknown key; did you mean every/],
    ['evaluation', { every: 5, scene: 3 }, /'evaluation\.scene': unknown key; did you mean scenes/],
    ['model.image.vocabulary', 3, /'model\.image\.vocabulary': unknown key/],
    ['steps', undefined, /'steps': expected number, got nothing/],
    ['steps', 1.5, /'steps': expected int, got '1.5'/],
    ['steps', 0, /'steps': .*>0, got '0'/],
    ['model', 'ViT-B\u001b/16', /'model': expected object, got '"ViT-B\\u001b\/16"'/],
    ['data.seed', 2 ** 40, /'data\.seed': .*got '1099511627776'/],
    ['seed', -1, /'seed': .*got '-1'/],
    ['optimiser.beta1', 1, /'optimiser\.beta1': .*<1, got '1'/],
    ['optimiser.beta2', 1, /'optimiser\.beta2': .*<1, got '1'/],
    ['optimiser.rate', 1e308, /'optimiser\.rate': .*<=1, got '1e\+308'/],
    ['optimiser.rate', 1e-30, /'optimiser\.rate': .*>=1e-9, got '1e-30'/],
    ['optimiser.epsilon', 1e-300, /'optimiser\.epsilon': .*>=1e-12, got '1e-300'/],
    ['optimiser.decay', 1e9, /'optimiser\.decay': .*<=10, got/],
    ['optimiser.clip', 1e-40, /'optimiser\.clip': .*>=0\.000001, got/],
    ['model.text.layerNormEpsilon', 1e9, /'model\.text\.layerNormEpsilon': .*<=1, got/],
    ['optimiser.rate', '0.1', /'optimiser\.rate': expected number, got '"0.1"'/],
    ['model.positions', 'sines', /'model\.positions': .*"random"\|"sine", got '"sines"'/],
    ['data.stages', [], /'data\.stages': .*got '\[\]'/],
    ['data.stages.1.captions.colour', 2, /'data\.stages\.1\.captions\.colour': .*got '2'/],
    ['data.stages.0.twins', 9, /'data\.stages\.0\.twins': .*<=8/],
    ['optimiser.warmup', 12, /'optimiser\.warmup': 12 steps leave none of the 12 to fall in/],
    ['model.image.width', 9, /'model\.image\.width': 9 is no multiple of its 2 heads/],
    ['model.text.heads', 3, /'model\.text\.width': 8 is no multiple of its 3 heads/],
    ['model.image.imageSize', 25, /'model\.image\.imageSize': 25 is no multiple of the patch, 12/],
    ['data.stages.0.fromStep', 2, /'data\.stages\.0\.fromStep': the first stage begins with step 1, got 2/],
    [
      'data.stages.2.fromStep',
      4,
      /'data\.stages\.2\.fromStep': the stage before begins with step 5, later than this one, got 4/,
    ],
    ['data.stages.2.fromStep', 13, /'data\.stages\.2\.fromStep': 13 is never reached in 12 steps/],
    [
      'data.batch',
      9,
      /'data\.stages\.0\.twins': expected a share of the batch that is a multiple of 4, got 9 pictures/,
    ],
    [
      'data.stages.1.share',
      0.3,
      /'data\.stages\.1\.share': 0\.3 makes 1\.8\d* of the 8 pictures of a batch, expected a whole/,
    ],
    ['data.stages.2.share', 1e-300, /'data\.stages\.2\.share': 1e-300 makes 0 of the 8 pictures/],
    ['model.image.width', 100_000, /'model': expected at most 268435456 parameters, .* got \d+$/],
    ['model.text.width', 8192, /'model': expected at most 268435456 parameters/],
    ['data.stages.0.scenes.radius', [40, 20], /'data\.stages\.0\.scenes': .*radii/],
    ['data.stages.0.scenes.objects', [1, 7], /'data\.stages\.0\.scenes': .*objects/],
    ['model.image.imageSize', 12, /'data\.stages\.0\.scenes': .*a size from 24/],
    ['model.text.context', 20, /'model\.text\.context': captions take up to 27 tokens, got 20/],
  ];
  for (const [path, value, says] of bad) {
    it(`refuses ${path} = ${JSON.stringify(value)}`, () => {
      const parse = () => parseTrainConfig(changed(path, value), 'a.json');
      expect(parse).to.throw(InputError, says);
      expect(parse).to.throw(/^a\.json: [^\r\n]*$/);
    });
  }

  it('shares need not be exact binary numbers', () => {
    const stages = [0.1, 0.2, 0.3].map(share => ({ fromStep: 1, share }));
    const json = { ...tinyJson, data: { seed: 7, batch: 6, stages } };
    const { data } = parseTrainConfig(json, 'a.json');
    expect(partsOf(data, 1).map(({ pictures }) => pictures)).to.deep.equal([1, 2, 3]);
  });

  it('refuses pictures that fill no array', () => {
    const image = { ...tinyJson.model.image, imageSize: 1200 };
    const json = { ...tinyJson, model: { ...tinyJson.model, image }, data: { ...tinyJson.data, batch: 100 } };
    expect(() => parseTrainConfig(json, 'a.json')).to.throw(
      InputError,
      "'data.batch': expected at most 62 pictures of 1200 x 1200 pixels, got 100",
    );
  });

  it('refuses attention that would not fit into memory', () => {
    const json = structuredClone(tinyJson);
    json.model.image.patch = 1;
    json.model.image.imageSize = 96;
    expect(() => parseTrainConfig(json, 'a')).to.throw(
      InputError,
      /^a: 'model\.image\.patch': expected at most 268435456 attention scores a block, got \d+: batch x heads/,
    );
  });

  it('a sine needs a width that is a multiple of 4', () => {
    const json = {
      ...tinyJson,
      model: { ...tinyJson.model, positions: 'sine', image: { ...tinyJson.model.image, width: 6 } },
    };
    expect(() => parseTrainConfig(json, 'a.json')).to.throw(InputError, /'model\.positions': sine needs/);
  });

  for (const value of [null, [], 3, 'text']) {
    it(`refuses ${JSON.stringify(value)} as a whole`, () => {
      expect(() => parseTrainConfig(value, 'a.json')).to.throw(InputError, /^a\.json: 'the file': expected object/);
    });
  }

  it('comes from a file, strictly', () =>
    inTemporaryFolder(dir => {
      const path = join(dir, 'c.json');
      writeFileSync(path, JSON.stringify(tinyJson));
      expect(readTrainConfig(path)).to.deep.equal(tinyConfig());
      writeFileSync(path, '{"steps": 1, "steps": 2}');
      expect(() => readTrainConfig(path)).to.throw(InputError, /each key once/);
      writeFileSync(path, `{"a": "${'x'.repeat(4 << 20)}"}`);
      expect(() => readTrainConfig(path)).to.throw(InputError, /at most 4 MiB/);
      expect(() => readTrainConfig(join(dir, 'none.json'))).to.throw(InputError, /none\.json/);
    }));
});
