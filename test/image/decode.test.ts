import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { decodePicture, readPicture } from '../../src/image/decode.js';
import { applyOrientation, type Picture, paletteOf, samplesPerPixel, toRgb } from '../../src/image/picture.js';
import { expectClose, findGolden, readGolden } from '../goldens.js';
import { samples } from './samples.js';

/** How far a kind may be from Pillow: nothing, but for the two things that its decoders do otherwise. */
const tolerances: Readonly<Record<string, number>> = {
  // jpeg-js: another inverse DCT, another conversion.
  'jpeg-cmyk-exif8': 1,
  'jpeg-cmyk-no-adobe': 1,
  'jpeg-ycck': 3,
  // mozjpeg repeats chroma rows where libjpeg-turbo blends them.
  'jpeg-440': 2,
};

/** The values as Pillow's `tobytes` gives them. */
function bytesOf({ data }: Picture): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

describe('decodePicture reads what Pillow reads', () => {
  for (const sample of samples) {
    it(sample.name, async () => {
      const picture = await decodePicture(sample.file, sample.name);
      const shape = [sample.height, sample.width, 3];
      const tolerance = { maxAbs: tolerances[sample.name] ?? 0 };
      expect(picture).to.include({ width: sample.width, height: sample.height, orientation: sample.orientation });
      expect(picture.mode).to.equal(sample.mode === 'CMYK' ? 'RGB' : sample.mode);
      expect(sample.name.split('-')[0]).to.equal(picture.format);
      expect(picture.data.length).to.equal(sample.width * sample.height * samplesPerPixel[picture.mode]);
      expectClose(toRgb(picture).data, sample.rgb, tolerance, { name: 'rgb', shape });
      if (sample.native) expectClose(bytesOf(picture), sample.native, tolerance, { name: 'native' });
      if (sample.alpha) {
        const { alpha } = paletteOf(picture);
        const opacity = Array.from(picture.data, index => alpha?.[index] ?? 255);
        expectClose(opacity, sample.alpha, tolerance, { name: 'alpha' });
      }
      if (sample.upright) {
        const upright = applyOrientation(picture);
        const turned = sample.orientation >= 5;
        expect(upright.orientation).to.equal(1);
        expect(upright.width).to.equal(turned ? sample.height : sample.width);
        expect(upright.height).to.equal(turned ? sample.width : sample.height);
        expectClose(toRgb(upright).data, sample.upright, tolerance, { name: 'upright' });
      }
    });
  }
});

describe('decodePicture on the images of the preprocessing goldens', () => {
  const folder = findGolden('preprocess/manifest.json')!.replace('manifest.json', '');
  const { images } = JSON.parse(readFileSync(`${folder}manifest.json`, 'utf8')) as {
    images: Record<string, { file: string; mode: string; size_wh: [number, number]; exif_orientation?: number }>;
  };
  const goldens = readGolden(`${folder}pixels.safetensors`);

  it('knows all 25 of them', () => {
    expect(Object.keys(images)).to.have.length(25);
  });

  for (const [name, { file, mode, size_wh: size, exif_orientation: orientation }] of Object.entries(images)) {
    it(name, async () => {
      const picture = await readPicture(`${folder}images/${file}`);
      expect(picture.mode).to.equal(mode === 'CMYK' ? 'RGB' : mode);
      expect([picture.width, picture.height]).to.deep.equal(size);
      expect(picture.orientation).to.equal(orientation ?? 1);
      const golden = goldens[`${name}/decoded_rgb`] ?? goldens[`${name}/decoded_then_convert_rgb`];
      if (!golden) return;
      const tolerance = { maxAbs: mode === 'CMYK' ? 1 : 0 };
      expectClose(toRgb(picture).data, golden.data as Uint8Array, tolerance, { name, shape: golden.shape });
    });
  }
});
