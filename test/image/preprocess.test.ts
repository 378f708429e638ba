import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { decodePicture } from '../../src/image/decode.js';
import { applyOrientation, type Picture, rgbPicture } from '../../src/image/picture.js';
import {
  clipPreprocess,
  cropForModel,
  type PixelOrder,
  type PreprocessSpec,
  preprocess,
} from '../../src/image/preprocess.js';
import { expectClose, type GoldenTensor, goldenPath, readGolden } from '../goldens.js';

const exact = { maxAbs: 0 };
const small = clipPreprocess(64);

interface Manifest {
  images: Record<string, { file: string; lossless: boolean }>;
}

function goldenFor(test: Mocha.Context): { manifest: Manifest; tensors: Record<string, GoldenTensor> } {
  return {
    manifest: JSON.parse(readFileSync(goldenPath(test, 'preprocess/manifest.json'), 'utf8')),
    tensors: readGolden(goldenPath(test, 'preprocess/pixels.safetensors')),
  };
}

function read(test: Mocha.Context, file: string): Promise<Picture> {
  return decodePicture(readFileSync(goldenPath(test, `preprocess/images/${file}`)), file);
}

const bytesOf = (tensor: GoldenTensor) => tensor.data as Uint8Array;
const pictureOf = ({ shape, data }: GoldenTensor) => rgbPicture(shape[1]!, shape[0]!, data as Uint8Array);

/** A grey picture of `width x height` whose value tells its column (or row) in the crop tests. */
function columns(width: number, height: number): Picture {
  const data = Uint8Array.from({ length: width * height }, (_, i) => 1 + (i % width));
  return { width, height, mode: 'L', data, orientation: 1, format: 'png' };
}

function redRow({ width, data }: Picture): number[] {
  return Array.from({ length: width }, (_, x) => data[3 * x]!);
}

describe('preprocess', () => {
  it("equals OpenAI's crop of every lossless golden", async function () {
    const { manifest, tensors } = goldenFor(this);
    let compared = 0;
    for (const [name, { file, lossless }] of Object.entries(manifest.images)) {
      if (!lossless) continue;
      const picture = await read(this, file);
      const sizes: [string, PreprocessSpec][] = [
        ['openai.uint8', small],
        ['openai224.uint8', clipPreprocess(224)],
      ];
      for (const [kind, spec] of sizes) {
        const golden = tensors[`${name}/${kind}`];
        if (!golden) continue;
        expectClose(cropForModel(picture, spec).data, bytesOf(golden), exact, { name, shape: golden.shape });
        compared++;
      }
    }
    expect(compared).to.equal(19);
  });

  it("equals Hugging Face's crop of every lossless golden", async function () {
    const { manifest, tensors } = goldenFor(this);
    let differing = 0;
    for (const [name, { file, lossless }] of Object.entries(manifest.images)) {
      if (!lossless) continue;
      const own = tensors[`${name}/hf_pil.uint8`];
      const golden = own ?? tensors[`${name}/openai.uint8`]!;
      const crop = cropForModel(await read(this, file), small, 'huggingface');
      expectClose(crop.data, bytesOf(golden), exact, { name, shape: golden.shape });
      if (own) differing++;
    }
    expect(differing).to.equal(9);
  });

  it('equals both crops of every lossy golden, from the reference decoding', function () {
    const { manifest, tensors } = goldenFor(this);
    let compared = 0;
    for (const [name, { lossless }] of Object.entries(manifest.images)) {
      const decoded = tensors[`${name}/decoded_rgb`];
      if (lossless || !decoded || name === 'jpeg_cmyk') continue;
      const picture = pictureOf(decoded);
      const openai = tensors[`${name}/openai.uint8`]!;
      expectClose(cropForModel(picture, small).data, bytesOf(openai), exact, { name, shape: openai.shape });
      const huggingface = tensors[`${name}/hf_pil.uint8`] ?? openai;
      expectClose(cropForModel(picture, small, 'huggingface').data, bytesOf(huggingface), exact, { name });
      compared++;
    }
    expect(compared).to.equal(6);
  });

  it('is within the decoders’ difference from every lossy golden', async function () {
    const { manifest, tensors } = goldenFor(this);
    for (const [name, { file, lossless }] of Object.entries(manifest.images)) {
      if (lossless) continue;
      const picture = await read(this, file);
      const upright = tensors[`${name}/openai.uint8_after_exif_transpose`];
      const goldens: [Picture, GoldenTensor | undefined, number][] = [
        [picture, tensors[`${name}/openai.uint8`], 64],
        [picture, tensors[`${name}/openai224.uint8`], 224],
        [applyOrientation(picture), upright, 64],
      ];
      expect(upright !== undefined, name).to.equal(picture.orientation !== 1);
      for (const [input, golden, size] of goldens) {
        if (!golden) continue;
        const crop = cropForModel(input, clipPreprocess(size)).data;
        expectClose(crop, bytesOf(golden), { maxAbs: 3 }, { name, shape: golden.shape });
        const total = Array.from(crop, (value, i) => Math.abs(value - bytesOf(golden)[i]!)).reduce((a, b) => a + b);
        expect(total / crop.length, name).to.be.below(0.5);
      }
    }
  });

  it('equals the normalised goldens', async function () {
    const { manifest, tensors } = goldenFor(this);
    let compared = 0;
    for (const [name, { data, shape }] of Object.entries(tensors)) {
      const [image, kind] = name.split('/');
      if (kind !== 'openai.pixels') continue;
      const { file, lossless } = manifest.images[image!]!;
      const picture = lossless ? await read(this, file) : pictureOf(tensors[`${image}/decoded_rgb`]!);
      expectClose(preprocess(picture, small), data as Float32Array, { maxAbs: 1e-5 }, { name, shape });
      compared++;
    }
    expect(compared).to.equal(5);
  });

  it('halves an odd margin to the even number for OpenAI and downwards for Hugging Face', () => {
    const starts = (order: PixelOrder) =>
      [4, 5, 6, 7, 8, 9, 10, 11].map(width => {
        const spec = { ...small, resize: null, crop: { width: 4, height: 1 } };
        return redRow(cropForModel(columns(width, 1), spec, order))[0]! - 1;
      });
    expect(starts('openai')).to.deep.equal([0, 0, 1, 2, 2, 2, 3, 4]);
    expect(starts('huggingface')).to.deep.equal([0, 0, 1, 1, 2, 2, 3, 3]);
  });

  it('pads a picture smaller than the crop with the fill value', () => {
    const spec = { ...small, resize: null, crop: { width: 6, height: 1 }, fill: 9 };
    expect(redRow(cropForModel(columns(3, 1), spec, 'openai'))).to.deep.equal([9, 1, 2, 3, 9, 9]);
    expect(redRow(cropForModel(columns(3, 1), spec, 'huggingface'))).to.deep.equal([9, 9, 1, 2, 3, 9]);
    const tall = cropForModel(columns(8, 3), { ...spec, crop: { width: 4, height: 5 } });
    expect([tall.width, tall.height]).to.deep.equal([4, 5]);
    expect(redRow(tall)).to.deep.equal([9, 9, 9, 9]);
    expect([...tall.data.subarray(12, 15)]).to.deep.equal([3, 3, 3]);
  });

  it('brings a picture to a target that is not square, or to the longest side, as OpenCLIP does', () => {
    const sizeOf = (width: number, height: number, resize: PreprocessSpec['resize']) => {
      const crop = cropForModel(columns(width, height), { ...small, resize, crop: null });
      return [crop.width, crop.height];
    };
    expect(sizeOf(30, 20, { fit: 'squash', width: 7, height: 9 })).to.deep.equal([7, 9]);
    expect(sizeOf(30, 20, { fit: 'longest', width: 15, height: 15 })).to.deep.equal([15, 10]);
    expect(sizeOf(30, 20, { fit: 'shortest', width: 15, height: 5 })).to.deep.equal([15, 10]);
    expect(sizeOf(7, 30, { fit: 'shortest', width: 4, height: 4 })).to.deep.equal([4, 17]);
    expect(sizeOf(200, 2, { fit: 'longest', width: 20, height: 20 })).to.deep.equal([20, 1]);
  });

  it('takes a strip of a million pixels without memory for its whole enlargement', () => {
    const strip = columns(1, 1_000_000);
    const pixels = preprocess(strip, clipPreprocess(224));
    expect(pixels.length).to.equal(3 * 224 * 224);
    const whole = { ...clipPreprocess(224), crop: null };
    expect(() => preprocess(strip, whole)).to.throw(InputError, /expected a result of at most/);
  });

  it('rescales and normalises as the preprocessor says', () => {
    const picture = rgbPicture(1, 1, Uint8Array.of(0, 51, 255));
    const plain = { ...small, resize: null, crop: null };
    expect([...preprocess(picture, { ...plain, mean: [0, 0, 0], std: [1, 1, 1], rescale: 1 })]).to.deep.equal([
      0, 51, 255,
    ]);
    const halves = preprocess(picture, { ...plain, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
    expectClose(halves, [-1, -0.6, 1], { maxAbs: 1e-6 });
  });
});
