import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { inTemporaryFolder } from '../../files/temporary.js';
import { expectClose, type GoldenTensor, goldenPath, readGolden } from '../../goldens.js';
import { json, scene, succeed } from '../run.js';

interface Entry {
  file: string;
  lossless: boolean;
}

const mean = [0.48145466, 0.4578275, 0.40821073];
const std = [0.26862954, 0.26130258, 0.27577711];

/** Pixels `[3, h, w]` back to the bytes `[h, w, 3]` they were made of. */
function levels(pixels: Float32Array): Float32Array {
  const size = pixels.length / 3;
  return Float32Array.from(
    { length: pixels.length },
    (_, i) => 255 * (pixels[(i % 3) * size + Math.floor(i / 3)]! * std[i % 3]! + mean[i % 3]!),
  );
}

/** Lossless pictures: every value. JPEG: decoders differ, so 3 levels, and half a level on average. */
function compare(name: string, actual: Float32Array, { data, shape }: GoldenTensor, lossless: boolean): void {
  const expected = data as Uint8Array;
  if (lossless) {
    expectClose(actual.map(Math.round), expected, { maxAbs: 0 }, { name, shape });
    expectClose(actual, expected, { maxAbs: 1e-3 }, { name, shape });
    return;
  }
  expectClose(actual, expected, { maxAbs: 3 }, { name, shape });
  const off = actual.reduce((sum, value, i) => sum + Math.abs(value - expected[i]!), 0) / actual.length;
  expect(off, `${name}: mean difference`).to.be.below(0.5);
}

describe('clipscope preprocess', () => {
  let images: [string, Entry][];
  let golden: Record<string, GoldenTensor>;
  let paths: string[];

  before(function () {
    const manifest = JSON.parse(readFileSync(goldenPath(this, 'preprocess/manifest.json'), 'utf8'));
    images = Object.entries(manifest.images);
    golden = readGolden(goldenPath(this, 'preprocess/pixels.safetensors'));
    paths = images.map(([, { file }]) => goldenPath(this, `preprocess/images/${file}`));
  });

  /** Runs over many pictures at once and returns the pixels of each. */
  async function pixelsOf(dir: string, size: number, files: string[], ...flags: string[]): Promise<Float32Array[]> {
    const output = join(dir, `${flags.join('')}${size}.safetensors`);
    const args = ['preprocess', ...files, '--size', String(size), ...flags, '-o', output];
    expect(await json(args)).to.deep.equal({ count: files.length, size });
    const { pixels } = readGolden(output);
    expect(pixels!.shape).to.deep.equal([files.length, 3, size, size]);
    const one = 3 * size * size;
    return files.map((_, i) => (pixels!.data as Float32Array).subarray(i * one, (i + 1) * one));
  }

  it("equals OpenAI's pixels of every golden picture at 64", () =>
    inTemporaryFolder(async dir => {
      const all = await pixelsOf(dir, 64, paths, '--exif', 'off');
      let whole = 0;
      for (const [i, [name, { lossless }]] of images.entries()) {
        compare(name, levels(all[i]!), golden[`${name}/openai.uint8`]!, lossless);
        const pixels = golden[`${name}/openai.pixels`];
        if (!pixels) continue;
        expectClose(all[i]!, pixels.data as Float32Array, { maxAbs: lossless ? 1e-5 : 0.045 }, { name });
        whole++;
      }
      expect([images.length, whole]).to.deep.equal([25, 5]);
    }));

  it("equals Hugging Face's pixels of every golden picture at 64", () =>
    inTemporaryFolder(async dir => {
      const all = await pixelsOf(dir, 64, paths, '--exif', 'off', '--pixels', 'huggingface');
      for (const [i, [name, { lossless }]] of images.entries()) {
        const own = golden[`${name}/hf_pil.uint8`] ?? golden[`${name}/openai.uint8`]!;
        compare(name, levels(all[i]!), own, lossless);
      }
    }));

  it('equals the goldens at 224, and those turned by their EXIF orientation, which is the default', () =>
    inTemporaryFolder(async dir => {
      const named = (suffix: string) => images.filter(([name]) => golden[`${name}/${suffix}`]);
      const pathsOf = (some: typeof images) => some.map(([name]) => paths[images.findIndex(([n]) => n === name)]!);
      const large = named('openai224.uint8');
      const turned = named('openai.uint8_after_exif_transpose');
      expect([large.length, turned.length]).to.deep.equal([3, 2]);
      const [at224, upright, byDefault] = await Promise.all([
        pixelsOf(dir, 224, pathsOf(large), '--exif', 'off'),
        pixelsOf(dir, 64, pathsOf(turned), '--exif', 'on'),
        pixelsOf(dir, 64, pathsOf(turned)),
      ]);
      for (const [i, [name, { lossless }]] of large.entries()) {
        compare(name, levels(at224[i]!), golden[`${name}/openai224.uint8`]!, lossless);
      }
      for (const [i, [name, { lossless }]] of turned.entries()) {
        compare(name, levels(upright[i]!), golden[`${name}/openai.uint8_after_exif_transpose`]!, lossless);
        expectClose(byDefault[i]!, upright[i]!, { maxAbs: 0 });
      }
    }));

  it('takes size and normalisation from the model, the embedded one by default', () =>
    inTemporaryFolder(async dir => {
      const output = join(dir, 'pixels.safetensors');
      expect(await succeed(['preprocess', scene(1), scene(2), '-o', output])).to.equal('2 x 3 x 96 x 96\n');
      const { pixels } = readGolden(output);
      expect(pixels!.shape).to.deep.equal([2, 3, 96, 96]);
      const again = join(dir, 'again.safetensors');
      expect(await json(['preprocess', output, '-o', again])).to.deep.equal({ count: 2, size: 96 });
      expect(readFileSync(again)).to.deep.equal(readFileSync(output));
    }));
});
