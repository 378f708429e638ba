/** Exported models: what is in the files, and that runtimes that know nothing of this project run them. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { type LoadedClip, loadClip } from '../../src/checkpoint/loadClip.js';
import { InputError } from '../../src/errors.js';
import { type ExportOptions, exportModel } from '../../src/tensor/export.js';
import { add, concat, matMul, mul, type Pixels, type Tensor, tensor2d, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { cosine, expectClose, findGolden, readGolden } from '../goldens.js';
import { inPython, needsPython } from '../pythonRuntime.js';

const golden = readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!);
const pixels = golden.pixels!.data as Float32Array;
const features = golden.image_features!.data as Float32Array;
const [batch] = golden.pixels!.shape as [number];
const signature = [{ shape: ['batch', 3, 64, 64], name: 'pixels' }] as const;

/** Runs a model's file as it is. */
async function runFile(path: string, inputs: Record<string, OrtTensor>) {
  const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
  try {
    return await session.run(inputs);
  } finally {
    await session.release();
  }
}

/** Runs a test on a copy of a tiny model in a new folder. */
const onModel = (layout: string, test: (clip: LoadedClip, folder: string) => Promise<void>) => () =>
  inTemporaryFolder(async folder => {
    cpSync(findGolden(`clip-tiny/weights/${layout}`)!, folder, { recursive: true });
    const clip = await loadClip(folder, { weights: 'file' });
    try {
      await test(clip, folder);
    } finally {
      clip.dispose();
    }
  });

const exportImages = (clip: LoadedClip, path: string, options?: ExportOptions) =>
  exportModel((x: Pixels) => ({ pooled: clip.image(x).pooled }), signature, path, options);

const given = { pixels: new OrtTensor('float32', pixels, [batch, 3, 64, 64]) };

describe('exportModel', () => {
  before(useEngine);

  for (const layout of ['open_clip-v512', 'hf-v512-fp16-sharded']) {
    it(
      `writes a model and its weights, ${layout}`,
      onModel(layout, async (clip, folder) => {
        mkdirSync(join(folder, 'out'));
        const path = join(folder, 'out', 'image.onnx');
        const { inputs, outputs, bytes } = await exportImages(clip, path);
        expect(inputs).to.deep.equal([{ name: 'pixels', dtype: 'float32', shape: ['batch', 3, 64, 64] }]);
        const width = clip.config.embedding;
        expect(outputs).to.deep.equal([{ name: 'pooled', dtype: 'float32', shape: ['batch', width] }]);
        expect(readdirSync(join(folder, 'out')).sort()).to.deep.equal(['image.onnx', 'image.onnx.data']);
        expect(statSync(path).size).to.be.below(100_000);
        expect(bytes).to.equal(statSync(path).size + statSync(`${path}.data`).size);
        // Nothing else is needed to run it.
        for (const name of readdirSync(folder)) if (name !== 'out') rmSync(join(folder, name));
        const { pooled } = await runFile(path, given);
        expectClose(pooled!.data as Float32Array, features, { maxAbs: 1e-4 });
      }),
    );
  }

  it(
    'refers to the weights where they are, when asked',
    onModel('hf-v512-fp16-sharded', async (clip, folder) => {
      const path = join(folder, 'image.onnx');
      const before = readdirSync(folder);
      const { bytes } = await exportImages(clip, path, { weights: 'refer' });
      expect(readdirSync(folder).sort()).to.deep.equal([...before, 'image.onnx'].sort());
      expect(bytes).to.equal(statSync(path).size).and.to.be.below(100_000);
      const { pooled } = await runFile(path, given);
      expectClose(pooled!.data as Float32Array, features, { maxAbs: 1e-4 });
    }),
  );

  it(
    'refers to what lies in a file and copies what was quantised',
    onModel('open_clip-v512', async (clip, folder) => {
      const path = join(folder, 'image.onnx');
      await exportImages(clip, path, { weights: 'refer', quantize: 's8' });
      expect(statSync(`${path}.data`).size).to.be.above(10_000);
      const { pooled } = await runFile(path, given);
      expect(cosine(pooled!.data as Float32Array, features)).to.be.within(0.99, 1 - 1e-7);
    }),
  );

  it('writes weights that are in memory, sizes that follow the batch, and lifted tensors', () =>
    withoutLeak(() =>
      inTemporaryFolder(async folder => {
        const path = join(folder, 'model.onnx');
        const weight = tensor2d(
          Float32Array.from({ length: 600 }, (_, i) => Math.sin(i)),
          [30, 20],
        );
        const shift = tensor2d([[3]]);
        const fn = (x: Tensor) => [concat([add(matMul(x, weight), shift), tidy(() => mul(matMul(x, weight), 2))], 0)];
        const spec = [{ shape: ['batch', 30] }] as const;
        const { inputs, outputs } = await exportModel(fn, spec, path, { lift: [shift] });
        expect(inputs.map(({ name, shape }) => [name, shape])).to.deep.equal([
          ['input0', ['batch', 30]],
          ['lifted.0', [1, 1]],
        ]);
        expect(outputs[0]!.shape).to.deep.equal(['2 batch', 20]);
        expect(statSync(`${path}.data`).size).to.equal(2400);
        const x = new OrtTensor('float32', new Float32Array(30).fill(1), [1, 30]);
        const made = await runFile(path, { input0: x, 'lifted.0': new OrtTensor('float32', [5], [1, 1]) });
        const { dims, data } = made[outputs[0]!.name]!;
        expect(dims).to.deep.equal([2, 20]);
        const sums = Array.from({ length: 20 }, (_, j) => {
          let sum = 0;
          for (let i = 0; i < 30; i++) sum += Math.fround(Math.sin(i * 20 + j));
          return sum;
        });
        expectClose(data as Float32Array, [...sums.map(sum => sum + 5), ...sums.map(sum => 2 * sum)], { maxAbs: 1e-5 });
        weight.dispose();
        shift.dispose();
      }),
    ));

  describe('refuses', () => {
    const twice = (x: Tensor) => mul(x, 2);
    const refusal = async (path: string, options = {}, spec: object = { shape: ['batch', 2] }) => {
      const error = await exportModel(twice, [spec as never], path, options).catch(caught => caught);
      expect(error).to.be.instanceOf(InputError);
      expect(error.message).to.not.include('\n');
      return error.message as string;
    };

    it('names and options that are none, and sizes without a number', () =>
      inTemporaryFolder(async folder => {
        const path = join(folder, 'model.onnx');
        expect(await refusal(join(folder, 'weights.safetensors'))).to.match(/a name that ends in \.onnx/);
        expect(await refusal(join(folder, 'none', 'model.onnx'))).to.match(/no such file or folder/);
        expect(await refusal(path, { weights: 'inside' })).to.match(/unknown weights 'inside'/);
        expect(await refusal(path, { quantize: 'u8' })).to.match(/unknown quantize 'u8'/);
        expect(await refusal(path, {}, { shape: ['batch', 'height'] })).to.match(/a number for 'height'/);
        mkdirSync(`${path}.data`);
        expect(await refusal(path)).to.match(/model\.onnx\.data: cannot be written: it is a folder/);
        expect(readdirSync(folder)).to.deep.equal(['model.onnx.data']);
      }));

    it(
      'to refer to weights outside the folder',
      onModel('open_clip-v512', async (clip, folder) => {
        mkdirSync(join(folder, 'out'));
        const path = join(folder, 'out', 'image.onnx');
        const error = await exportImages(clip, path, { weights: 'refer' }).catch(caught => caught);
        expect(error).to.be.instanceOf(InputError);
        expect(error.message).to.match(/cannot refer to .*open_clip_model\.safetensors; write it to .* or above/);
        expect(readdirSync(join(folder, 'out'))).to.deep.equal([]);
      }),
    );

    it(
      'weights that are gone, and leaves what was there before',
      onModel('open_clip-v512', async (clip, folder) => {
        const path = join(folder, 'image.onnx');
        for (const name of [path, `${path}.data`]) writeFileSync(name, 'before');
        rmSync(join(folder, 'open_clip_model.safetensors'));
        const error = await exportImages(clip, path).catch(caught => caught);
        expect(error).to.be.instanceOf(InputError);
        expect(error.message).to.match(/no such file/);
        for (const name of [path, `${path}.data`]) expect(readFileSync(name, 'utf8')).to.equal('before');
      }),
    );
  });

  describe("in Python's onnxruntime", () => {
    before(needsPython);

    const cases: Record<string, ExportOptions> = {
      'weights copied': {},
      'weights in their file': { weights: 'refer' },
      'weights in eight bits': { quantize: 's8' },
    };
    for (const [name, options] of Object.entries(cases)) {
      it(
        name,
        onModel('open_clip-v512', async (clip, folder) => {
          const path = join(folder, 'image.onnx');
          await exportImages(clip, path, options);
          const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
          const { data } = inPython(folder, path, { pixels: { dtype: 'F32', shape: [batch, 3, 64, 64], bytes } })
            .pooled!;
          const { pooled } = await runFile(path, given);
          // One runtime in two packages: what differs is how a sum is ordered, and in eight bits a step now and then.
          const maxAbs = options.quantize ? 1e-2 : 1e-5;
          expectClose(data, pooled!.data as Float32Array, { maxAbs });
          if (!options.quantize) expectClose(data, features, { maxAbs: 1e-4 });
        }),
      ).timeout(60_000);
    }
  });
});
