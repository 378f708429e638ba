import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { methodNames } from '../../../src/segment/protocols.js';
import type { Exported } from '../../../src/tensor/export.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { expectClose, readGolden } from '../../goldens.js';
import { inPython, needsPython } from '../../pythonRuntime.js';
import { writePixels } from '../pixelFile.js';
import { refuses } from '../refused.js';
import { json, scene, succeed } from '../run.js';

/** Methods that are no single function of the pixels. */
const sequential = ['resclip', 'scclip'];

/** What a model gives for inputs, by the runtime alone. */
async function runModel(path: string, inputs: Record<string, Tensor>) {
  const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
  const outputs = await session.run(inputs);
  await session.release();
  return outputs;
}

const valuesIn = (path: string, name: string) => {
  const { data, shape } = readGolden(path)[name]!;
  return { data: data as Float32Array, shape };
};

/** The pixels of a scene, as the exported model takes them. */
async function pixelsOf(dir: string, ...pictures: string[]) {
  const path = join(dir, 'pixels.safetensors');
  await succeed(['preprocess', ...pictures, '-o', path]);
  const { data, shape } = valuesIn(path, 'pixels');
  return new Tensor('float32', data, shape);
}

describe('clipscope export', () => {
  it('writes the embedding of pictures, of any number of them', () =>
    inTemporaryFolder(async dir => {
      const model = join(dir, 'image.onnx');
      const { inputs, outputs, bytes } = await json<Exported>(['export', '-o', model]);
      expect(inputs).to.deep.equal([{ name: 'pixels', dtype: 'float32', shape: ['batch', 3, 96, 96] }]);
      expect(outputs).to.deep.equal([{ name: 'embedding', dtype: 'float32', shape: ['batch', 128] }]);
      expect(readdirSync(dir).sort()).to.deep.equal(['image.onnx', 'image.onnx.data']);
      expect(bytes).to.equal(statSync(model).size + statSync(`${model}.data`).size);
      const pixels = await pixelsOf(dir, scene(1), scene(2), scene(3));
      const embeddings = join(dir, 'embeddings.safetensors');
      await succeed(['embed', scene(1), scene(2), scene(3), '-o', embeddings]);
      const { embedding } = await runModel(model, { pixels });
      expectClose(embedding!.data as Float32Array, valuesIn(embeddings, 'embedding').data, { maxAbs: 1e-5 });
    }));

  it('writes a method with points, at the size of an image', () =>
    inTemporaryFolder(async dir => {
      const [model, image, points] = ['m.onnx', 'x.safetensors', 'p.safetensors'].map(name => join(dir, name)) as [
        string,
        string,
        string,
      ];
      const data = Float32Array.from({ length: 3 * 72 * 120 }, (_, i) => Math.sin(i / 7));
      writePixels(image, { data, shape: [1, 3, 72, 120] });
      const changes = ['--method', 'sclip', '--residual', '0.5', '--see', 'blocks.4.attn.pattern,blocks.1.attn_out'];
      const { inputs, outputs } = await json<Exported>(['export', image, '-o', model, ...changes]);
      expect(inputs[0]!.shape).to.deep.equal(['batch', 3, 72, 120]);
      const names = ['tokens', 'image.blocks.1.attn_out', 'image.blocks.4.attn.pattern'];
      expect(outputs.map(({ name }) => name)).to.deep.equal(names);
      const seen = ['--see', 'tokens,blocks.4.attn.pattern,blocks.1.attn_out', '--positions', 'stretch'];
      await succeed(['inspect', image, ...changes.slice(0, 4), ...seen, '-o', points]);
      const made = await runModel(model, { pixels: new Tensor('float32', data, [1, 3, 72, 120]) });
      for (const name of names) {
        const expected = valuesIn(points, name === 'tokens' ? 'image.tokens' : name);
        expect(made[name]!.dims, name).to.deep.equal(expected.shape);
        expectClose(made[name]!.data as Float32Array, expected.data, { maxAbs: 1e-4 }, { name });
      }
    }));

  it('writes texts, and takes a method by its name', () =>
    inTemporaryFolder(async dir => {
      const [model, embedded] = [join(dir, 'text.onnx'), join(dir, 'text.safetensors')];
      const { inputs } = await json<Exported>(['export', '--text', '-o', model]);
      const [, context] = inputs[0]!.shape as [string, number];
      const text = 'a red star over grass';
      const { ids } = await json<{ ids: number[][] }>(['tokenize', text]);
      const row = new Int32Array(context);
      row.set(ids[0]!);
      await succeed(['embed', '--text', text, '-o', embedded]);
      const { embedding } = await runModel(model, { ids: new Tensor('int32', row, [1, context]) });
      expectClose(embedding!.data as Float32Array, valuesIn(embedded, 'embedding').data, { maxAbs: 1e-5 });
      const { outputs } = await json<Exported>(['export', 'clearclip', '-o', join(dir, 'dense.onnx')]);
      expect(outputs).to.deep.equal([{ name: 'tokens', dtype: 'float32', shape: ['batch', 65, 128] }]);
    }));

  it('quantises', () =>
    inTemporaryFolder(async dir => {
      const [float, s8] = [join(dir, 'float.onnx'), join(dir, 's8.onnx')];
      const [whole, eighth] = await Promise.all([
        json<Exported>(['export', '-o', float]),
        json<Exported>(['export', '-o', s8, '--quantize', 's8']),
      ]);
      expect(eighth.bytes).to.be.below(0.7 * whole.bytes);
      const pixels = await pixelsOf(dir, scene(2));
      const [a, b] = await Promise.all([runModel(float, { pixels }), runModel(s8, { pixels })]);
      const [x, y] = [a.embedding!.data as Float32Array, b.embedding!.data as Float32Array];
      expect(x.reduce((sum, value, i) => sum + value * y[i]!, 0)).to.be.above(0.99);
    }));

  describe("is run by Python's onnxruntime", function () {
    this.timeout(120_000);
    before(needsPython);

    const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array) =>
      new Uint8Array(buffer, byteOffset, byteLength);

    it('any method on pictures, with points, to what inspect shows', () =>
      inTemporaryFolder(async dir => {
        const [pixels, points] = [join(dir, 'pixels.safetensors'), join(dir, 'points.safetensors')];
        await succeed(['preprocess', scene(1), scene(2), '-o', pixels]);
        const { data, shape } = valuesIn(pixels, 'pixels');
        const seen = 'blocks.1.attn.pattern,blocks.2.resid_post';
        for (const method of methodNames.filter(name => !sequential.includes(name))) {
          const model = join(dir, `${method}.onnx`);
          await succeed(['export', method, '--see', seen, '-o', model, '--quiet']);
          await succeed(['inspect', pixels, '--method', method, '--see', `${seen},tokens,embedding`, '-o', points]);
          const made = inPython(dir, model, { pixels: { dtype: 'F32', shape, bytes: bytesOf(data) } });
          expect(Object.keys(made)).to.have.length(3);
          for (const [name, output] of Object.entries(made)) {
            const expected = valuesIn(points, name.includes('.') ? name : `image.${name}`);
            expect(output.shape, name).to.deep.equal(expected.shape);
            expectClose(output.data, expected.data, { maxAbs: 1e-4 }, { name: `${method}: ${name}` });
          }
        }
      }));

    it('texts, to what embed gives', () =>
      inTemporaryFolder(async dir => {
        const [model, embedded] = [join(dir, 'text.onnx'), join(dir, 'text.safetensors')];
        const { inputs } = await json<Exported>(['export', '--text', '-o', model]);
        const [, context] = inputs[0]!.shape as [string, number];
        const texts = ['a red star', 'a photo of green grass under a blue sky'];
        const { ids } = await json<{ ids: number[][] }>(['tokenize', ...texts]);
        const rows = new Int32Array(texts.length * context);
        ids.forEach((row, i) => {
          rows.set(row, i * context);
        });
        await succeed(['embed', '--text', ...texts, '-o', embedded]);
        const given = { dtype: 'I32', shape: [texts.length, context], bytes: bytesOf(rows) } as const;
        const { embedding } = inPython(dir, model, { ids: given });
        expectClose(embedding!.data, valuesIn(embedded, 'embedding').data, { maxAbs: 1e-5 });
      }));
  });

  describe('refuses', () => {
    refuses(
      [
        [['export'], /required option '-o, --output/],
        [['export', '-o', 'model.bin'], /model\.bin: expected a name that ends in \.onnx/],
        [['export', '-o', 'none/model.onnx'], /none.*no such file or folder/],
        [['export', 'nothing.png', '-o', 'm.onnx'], /nothing\.png: cannot be read/],
        [['export', 'sclip', '--method', 'gem', '-o', 'm.onnx'], /expected one method, got 'sclip' and --method gem/],
        [
          ['export', '--text', '--attention', 'qq', '-o', 'm.onnx'],
          /--attention changes the image tower; leave it out/,
        ],
        [['export', 'sclip', '--text', '-o', 'm.onnx'], /expected --text or 'sclip', got both/],
        ...sequential.map(name => [['export', name, '-o', 'm.onnx'], /between two runs of the last block/] as const),
        [['export', '--see', 'blocks.9.ln1', '-o', 'm.onnx'], /no point 'blocks\.9\.ln1'/],
        [['export', '--quantize', 'u4', '-o', 'm.onnx'], /Allowed choices are s8/],
        [['export', '--weights', 'refer', '-o', 'm.onnx'], /cannot refer to .*; write it to .* or above/],
        [['export', '--model', '{}/none', '-o', 'm.onnx'], /none/],
      ],
      () => {},
    );
  });
});
