import { expect } from 'chai';
import { openBytes } from '../../../src/files/bytes.js';
import { openSafetensors } from '../../../src/files/safetensors/read.js';
import { openShardedSafetensors } from '../../../src/files/safetensors/sharded.js';
import type { TensorFile } from '../../../src/files/tensorFile.js';
import { openTorch } from '../../../src/files/torch/open.js';
import { createClip } from '../../../src/model/clip.js';
import {
  checkWeights,
  configFromShapes,
  openCheckpoint,
  type WeightSource,
} from '../../../src/model/weights/checkpoint.js';
import { type ClipWeights, loadWeights } from '../../../src/model/weights/load.js';
import { memory, type Tensor } from '../../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../../engine.js';
import { goldenPath } from '../../goldens.js';
import { openAiTensors, renamed, sourceOf } from './sources.js';

function load(source: WeightSource): ClipWeights {
  const checkpoint = openCheckpoint(source);
  const config = configFromShapes(checkpoint);
  checkWeights(checkpoint, config);
  return loadWeights(checkpoint, config);
}

/** Every tensor of loaded weights by its path, with shape and values; the tensors are freed. */
function flattened(weights: ClipWeights): Map<string, { shape: number[]; values: Float32Array }> {
  const found = new Map<string, { shape: number[]; values: Float32Array }>();
  const walk = (value: object, path: string) => {
    for (const [key, inner] of Object.entries(value)) {
      const at = path ? `${path}.${key}` : key;
      if (typeof (inner as Tensor).dataSync === 'function') {
        const { shape } = inner as Tensor;
        found.set(at, { shape: [...shape], values: (inner as Tensor).dataSync().slice() as Float32Array });
        (inner as Tensor).dispose();
      } else if (typeof inner === 'object') walk(inner as object, at);
    }
  };
  walk(weights, '');
  return found;
}

const directory = 'clip-tiny/weights';
const files: [name: string, open: (path: string) => TensorFile][] = [
  ['openai-torchscript.pt', path => openTorch(openBytes(path))],
  ['openai-state-dict-legacy.pt', path => openTorch(openBytes(path))],
  ['openai-state-dict.pt', path => openTorch(openBytes(path))],
  ['openclip-training-checkpoint.pt', path => openTorch(openBytes(path))],
  ['hf-v512-fp16-sharded/model.safetensors.index.json', openShardedSafetensors],
  ['hf-full-vocab-fp16/model.safetensors', path => openSafetensors(openBytes(path))],
];

describe('loading weights', () => {
  before(useEngine);
  let expected: ReturnType<typeof flattened>;
  before(() => {
    expected = flattened(load(sourceOf(openAiTensors())));
  });

  it('turns every tensor to the layout the towers compute with', () => {
    const tensors = openAiTensors();
    expect(expected.size).to.equal(4 + 4 * 16 + 4 + 2 + 2 * 16 + 3);
    const shapeOf = (path: string) => expected.get(path)?.shape;
    expect(shapeOf('image.patch')).to.deep.equal([768, 128]);
    expect(shapeOf('image.positions')).to.deep.equal([17, 128]);
    expect(shapeOf('image.projection')).to.deep.equal([128, 64]);
    expect(shapeOf('image.blocks.0.fc1.weight')).to.deep.equal([128, 512]);
    expect(shapeOf('text.table')).to.deep.equal([512, 64]);
    // By index: our [in, out] against their [out, in], rows 128..255 of the packed matrix being the keys.
    const packed = tensors.get('visual.transformer.resblocks.1.attn.in_proj_weight')!.values;
    const k = expected.get('image.blocks.1.k.weight')!.values;
    for (const [from, to] of [
      [0, 0],
      [5, 97],
      [127, 3],
    ] as const) {
      expect(k[from * 128 + to]).to.equal(packed[(128 + to) * 128 + from]);
    }
    const bias = tensors.get('visual.transformer.resblocks.1.attn.in_proj_bias')!.values;
    expect(expected.get('image.blocks.1.v.bias')!.values).to.deep.equal(bias.slice(256));
    const conv = tensors.get('visual.conv1.weight')!.values;
    const patch = expected.get('image.patch')!.values;
    // Row (channel 2, row 7, column 9), output 50.
    const at = 2 * 256 + 7 * 16 + 9;
    expect(patch[at * 128 + 50]).to.equal(conv[50 * 768 + at]);
    expect(expected.get('image.projection')!.values).to.deep.equal(tensors.get('visual.proj')!.values);
    expect(expected.get('text.table')!.values).to.deep.equal(tensors.get('token_embedding.weight')!.values);
  });

  for (const [name, open] of files) {
    it(`gives the same from ${name}`, function () {
      const path = goldenPath(this, `${directory}/${name}`);
      return withoutLeak(() => {
        const file = open(path);
        const weights = load(file);
        expect(weights.logitScale).to.be.closeTo(Math.exp(4.59375), 1e-9);
        const actual = flattened(weights);
        file.close();
        expect([...actual.keys()]).to.deep.equal([...expected.keys()]);
        for (const [role, { shape, values }] of expected) {
          // The full vocabulary is another table, of which the small one keeps the first rows.
          if (role === 'text.table') {
            expect(actual.get(role)!.values.subarray(0, 500 * 64), role).to.deep.equal(values.subarray(0, 500 * 64));
          } else expect(actual.get(role), role).to.deep.equal({ shape, values });
        }
      });
    });
  }

  it('gives the same from a text tower under OpenCLIP’s own class', () =>
    withoutLeak(() => {
      const custom = renamed(openAiTensors(), name => (/^visual\.|^logit_scale$/.test(name) ? name : `text.${name}`));
      expect(flattened(load(sourceOf(custom)))).to.deep.equal(expected);
    }));

  it('reads each tensor of the file once', () =>
    withoutLeak(() => {
      const source = sourceOf(openAiTensors());
      flattened(load(source));
      expect([...source.reads].sort()).to.deep.equal([...source.tensors.keys()].sort());
    }));

  it('reads but the towers asked for', () =>
    withoutLeak(() => {
      const source = sourceOf(openAiTensors());
      const checkpoint = openCheckpoint(source);
      const { text: _, ...image } = configFromShapes(checkpoint);
      const weights = loadWeights(checkpoint, image);
      expect(source.reads.filter(name => !name.startsWith('visual.'))).to.deep.equal(['logit_scale']);
      expect(weights.text).to.equal(undefined);
      flattened(weights);
    }));

  it('takes OpenAI’s factor where a checkpoint has none', () =>
    withoutLeak(() => {
      const vision = renamed(openAiTensors(), name => (name.startsWith('visual.') ? name : undefined));
      const weights = load(sourceOf(vision));
      expect(weights.logitScale).to.equal(100);
      flattened(weights);
    }));

  it('that breaks off leaves no tensor, wherever it does', () =>
    withoutLeak(() => {
      const tensors = openAiTensors();
      for (const failAt of [1, 2, 20, 50, tensors.size]) {
        expect(() => load(sourceOf(tensors, { failAt })), `read ${failAt}`).to.throw(`read ${failAt} fails`);
      }
    }));

  it('is undone by dispose, once and again', () =>
    withoutLeak(() => {
      const before = memory().numTensors;
      const checkpoint = openCheckpoint(sourceOf(openAiTensors()));
      const config = configFromShapes(checkpoint);
      const clip = createClip(config, loadWeights(checkpoint, config));
      expect(memory().numTensors - before).to.equal(expected.size);
      clip.dispose();
      clip.dispose();
    }));
});
