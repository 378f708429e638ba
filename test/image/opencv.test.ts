import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import { keepRatioSize, normalise, resizeBilinearOpenCv } from '../../src/image/opencv.js';
import { rgbPicture } from '../../src/image/picture.js';
import { expectClose, goldenPath, readGolden } from '../goldens.js';

const exact = { maxAbs: 0 };
const shortSides = { a: 96, b: 80, small: 50 };
const ramp = (width: number, height: number, step: number) =>
  rgbPicture(
    width,
    height,
    Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * step) % 256),
  );

describe('resizing and normalising as the segmentation pipelines do', () => {
  it('equals the golden sizes, pixels and normalised planes', function () {
    const tensors = readGolden(goldenPath(this, 'segmentation/pipeline.safetensors'));
    for (const [name, shortSide] of Object.entries(shortSides)) {
      const image = tensors[`${name}/image`]!;
      const resized = tensors[`${name}/resized`]!;
      const planes = tensors[`${name}/normalised`]!;
      const [height, width] = image.shape as [number, number];
      const size = keepRatioSize(width, height, shortSide);
      expect([size.height, size.width], name).to.deep.equal(resized.shape.slice(0, 2));
      const picture = rgbPicture(width, height, image.data as Uint8Array);
      const result = resizeBilinearOpenCv(picture, size.width, size.height);
      expectClose(result.data, resized.data as Uint8Array, exact, { name, shape: resized.shape });
      expectClose(normalise(result), planes.data as Float32Array, { maxAbs: 1e-6 }, { name, shape: planes.shape });
    }
  });

  // Made with OpenCV 5.0.0: size, target size, step of the ramp of samples = result.
  it('equals OpenCV where it shrinks, halves, keeps one side or has a side of one pixel', () => {
    const table = `
      5x4 9x3 37 = 7 44 81 44 81 118 106 143 180 148 91 127 186 10 47 130 72 109 96 129 142 158 167 61 195 189 13 65 102 139 102 139 133 163 200 123 111 148 114 31 68 105 92 129 166 139 162 199 130 82 119 125 34 71 122 159 196 159 125 147 220 68 67 168 87 100 88 125 162 149 186 105 182 220 67 102 139 105 54 91 128
      3x1 4x2 91 = 0 91 182 10 101 192 23 114 205 34 125 216 0 91 182 10 101 192 23 114 205 34 125 216
      1x5 2x8 53 = 0 53 106 0 53 106 70 123 63 70 123 63 153 206 19 153 206 19 92 145 118 92 145 118 112 85 138 112 85 138 211 24 77 211 24 77 166 107 160 166 107 160 124 177 230 124 177 230
      8x6 4x3 29 = 72 101 130 118 147 176 100 129 158 82 111 140 120 149 114 102 131 96 148 177 78 130 159 124 168 133 98 150 115 144 132 97 126 178 79 108
      7x2 7x5 101 = 0 101 202 47 148 249 94 195 40 141 242 87 188 33 134 235 80 181 26 127 228 7 108 184 54 155 231 101 176 47 148 224 94 170 40 141 216 87 188 33 134 210 37 138 111 84 185 158 131 104 77 178 151 124 97 70 171 144 117 218 63 164 137 66 167 37 112 214 84 160 30 106 207 77 152 23 99 200 70 146 247 92 192 63 73 174 19 120 221 66 167 12 113 214 59 160 5 106 207 52 153 254 99 200 45`;
    for (const line of table.trim().split('\n')) {
      const [given, expected] = line.trim().split(' = ') as [string, string];
      const [size, target, step] = given.split(' ') as [string, string, string];
      const [width, height] = size.split('x').map(Number) as [number, number];
      const [toWidth, toHeight] = target.split('x').map(Number) as [number, number];
      const result = resizeBilinearOpenCv(ramp(width, height, Number(step)), toWidth, toHeight);
      expectClose(result.data, expected.split(' ').map(Number), exact, { name: given });
    }
  });

  it('leaves a constant picture constant and an unchanged size equal', () => {
    const side = fc.integer({ min: 1, max: 50 });
    fc.assert(
      fc.property(fc.nat(255), side, side, side, side, (value, width, height, toWidth, toHeight) => {
        const flat = rgbPicture(width, height, new Uint8Array(width * height * 3).fill(value));
        expect(new Set(resizeBilinearOpenCv(flat, toWidth, toHeight).data)).to.deep.equal(new Set([value]));
        const steep = ramp(width, height, value);
        expect(resizeBilinearOpenCv(steep, width, height).data).to.deep.equal(steep.data);
      }),
      { numRuns: 100 },
    );
  });

  it('limits the long side', () => {
    expect(keepRatioSize(500, 375, 336)).to.deep.equal({ width: 448, height: 336 });
    expect(keepRatioSize(8000, 100, 336)).to.deep.equal({ width: 2048, height: 26 });
    expect(keepRatioSize(1, 1_000_000, 336)).to.deep.equal({ width: 1, height: 2048 });
    expect(keepRatioSize(500, 375, 336, 400)).to.deep.equal({ width: 400, height: 300 });
  });

  it('normalises with other constants', () => {
    const planes = normalise(rgbPicture(2, 1, Uint8Array.of(0, 10, 20, 255, 30, 40)), [1, 2, 3], [2, 4, 8]);
    expect([...planes]).to.deep.equal([-0.5, 127, 2, 7, 2.125, 4.625]);
  });

  it('refuses bad sizes and other modes', () => {
    const picture = ramp(3, 2, 5);
    for (const bad of [0, -2, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 30]) {
      expect(() => resizeBilinearOpenCv(picture, bad, 4), `${bad}`).to.throw(
        InputError,
        /^resizeBilinearOpenCv: expected a size/,
      );
    }
    for (const bad of [0, -2, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => keepRatioSize(3, 2, bad), `${bad}`).to.throw(
        InputError,
        /^keepRatioSize: expected a shortSide over 0/,
      );
    }
    const grey = { ...picture, mode: 'L', data: new Uint8Array(6) } as const;
    expect(() => resizeBilinearOpenCv(grey, 2, 2)).to.throw(RangeError, /expected mode RGB/);
    expect(() => normalise(grey)).to.throw(RangeError, /mode RGB/);
  });
});
