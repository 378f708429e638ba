import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import { type Picture, type PixelMode, samplesPerPixel } from '../../src/image/picture.js';
import { type ResizeFilter, resize, resizeFilters } from '../../src/image/resize.js';
import { expectClose, goldenPath, readGolden } from '../goldens.js';

const exact = { maxAbs: 0 };

function picture(mode: PixelMode, width: number, height: number, data: ArrayLike<number>): Picture {
  const values = mode === 'I;16' ? Uint16Array.from(data) : Uint8Array.from(data);
  const palette = mode === 'P' ? { palette: { rgb: Uint8Array.from({ length: 768 }, (_, i) => i % 256) } } : {};
  return { width, height, mode, data: values, orientation: 1, format: 'png', ...palette };
}

/** A picture of any mode with pseudo-random values. */
function noise(mode: PixelMode, width: number, height: number, seed: number): Picture {
  let state = seed | 1;
  const top = mode === 'I;16' ? 65536 : 256;
  const data = Array.from({ length: width * height * samplesPerPixel[mode] }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return mode === '1' ? (state & 64 ? 255 : 0) : (state >>> 8) % top;
  });
  return picture(mode, width, height, data);
}

function mirrored({ width, height, mode, data, ...rest }: Picture): Picture {
  const samples = samplesPerPixel[mode];
  const out = data.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + width - 1 - x) * samples;
      for (let s = 0; s < samples; s++) out[(y * width + x) * samples + s] = data[from + s]!;
    }
  }
  return { width, height, mode, data: out, ...rest };
}

const modes: PixelMode[] = ['1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16'];
const anyFilter = fc.constantFrom<ResizeFilter>(...resizeFilters);
const anyPicture = fc
  .record({
    mode: fc.constantFrom(...modes),
    width: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 40 }),
    seed: fc.integer(),
  })
  .map(({ mode, width, height, seed }) => noise(mode, width, height, seed));
const side = fc.integer({ min: 1, max: 60 });

describe('resize', () => {
  it("equals Pillow's output in every golden", function () {
    const tensors = readGolden(goldenPath(this, 'preprocess/pillow_resize.safetensors'));
    const byName = { grey: 'L', rgb: 'RGB', rgba: 'RGBA' } as const;
    let compared = 0;
    for (const [name, { data, shape }] of Object.entries(tensors)) {
      const [source, filter, size] = name.split('/');
      if (!size) continue;
      const [width, height] = size.split('x').map(Number);
      const original = tensors[`${source}/source`]!;
      const input = picture(
        byName[source as keyof typeof byName],
        original.shape[1]!,
        original.shape[0]!,
        original.data as Uint8Array,
      );
      const result = resize(input, width!, height!, filter as ResizeFilter);
      expect([result.height, result.width]).to.deep.equal(shape.slice(0, 2));
      expectClose(result.data, data as Uint8Array, exact, { name, shape });
      compared++;
    }
    expect(compared).to.equal(40);
  });

  // Made with Pillow 13.0.0: mode, size, target size, filter, step and modulus of the ramp of samples = result.
  it("equals Pillow's output in modes and shapes the goldens do not have", () => {
    const table = `
      I;16 5x4 3x2 bicubic 3571 65536 = 11741 17528 24922 44352 51349 38535
      I;16 3x2 4x3 lanczos 9973 65536 = 0 728 11790 16716 14718 19402 30464 35390 33089 38075 49137 54063
      I;16 2x4 2x5 nearest 9973 65536 = 0 9973 19946 29919 39892 49865 39892 49865 59838 4275
      LA 4x3 2x2 bicubic 37 256 = 90 104 148 115 124 137 130 90
      LA 2x2 3x3 bilinear 91 256 = 0 91 28 54 180 17 73 145 68 108 53 71 107 199 80 162 34 125
      P 4x3 2x2 bicubic 3 12 = 3 9 3 9
      1 4x3 3x2 bicubic 255 510 = 0 0 255 0 0 255
      RGBA 3x3 2x2 hamming 53 256 = 54 60 113 130 119 124 93 117 209 57 108 124 113 116 93 112
      RGB 2x9 1x2 bicubic 77 256 = 126 115 112 130 127 115
      RGB 9x2 2x1 lanczos 77 256 = 152 71 112 130 170 89
      L 3x40 2x2 bicubic 101 256 = 123 135 129 125
      L 2x5 7x3 box 33 256 = 33 33 33 66 66 66 66 132 132 132 165 165 165 165 103 103 103 136 136 136 136`;
    for (const line of table.trim().split('\n')) {
      const [given, expected] = line.trim().split(' = ') as [string, string];
      const [mode, size, target, filter, step, top] = given.split(' ') as [PixelMode, ...string[]];
      const [width, height] = size!.split('x').map(Number) as [number, number];
      const [toWidth, toHeight] = target!.split('x').map(Number) as [number, number];
      const length = width * height * samplesPerPixel[mode];
      const ramp = Array.from({ length }, (_, i) => (i * Number(step)) % Number(top));
      const result = resize(picture(mode, width, height, ramp), toWidth, toHeight, filter as ResizeFilter);
      expectClose(result.data, expected.split(' ').map(Number), exact, { name: given });
    }
  });

  it('leaves a constant picture constant', () => {
    fc.assert(
      fc.property(anyFilter, fc.nat(255), side, side, side, side, (filter, value, width, height, toWidth, toHeight) => {
        const result = resize(
          picture('L', width, height, new Array(width * height).fill(value)),
          toWidth,
          toHeight,
          filter,
        );
        expect(new Set(result.data)).to.deep.equal(new Set([value]));
      }),
      { numRuns: 150 },
    );
  });

  it('copies a picture whose size does not change', () => {
    for (const mode of modes) {
      const input = noise(mode, 9, 7, 3);
      const result = resize(input, 9, 7, 'lanczos');
      expect(result).to.deep.equal(input);
      expect(result.data.buffer).not.to.equal(input.data.buffer);
    }
  });

  it('commutes with mirroring, but for one level of rounding', () => {
    const weighted = fc.constantFrom<ResizeFilter>('bilinear', 'bicubic', 'lanczos', 'hamming');
    fc.assert(
      fc.property(weighted, fc.integer(), side, side, side, side, (filter, seed, width, height, toWidth, toHeight) => {
        const input = noise('RGB', width, height, seed);
        const one = resize(mirrored(input), toWidth, toHeight, filter);
        const other = mirrored(resize(input, toWidth, toHeight, filter));
        expectClose(one.data, other.data, { maxAbs: 1 });
      }),
      { numRuns: 100 },
    );
  });

  it('computes a region as it would be cut out of the whole', () => {
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(anyPicture, anyFilter, side, side, fc.tuple(fraction, fraction, fraction, fraction), (...given) => {
        const [input, filter, width, height, [a, b, c, d]] = given;
        const left = Math.floor(a * (width - 1));
        const top = Math.floor(b * (height - 1));
        const region = {
          left,
          top,
          width: 1 + Math.floor(c * (width - left - 1)),
          height: 1 + Math.floor(d * (height - top - 1)),
        };
        const whole = resize(input, width, height, filter);
        const part = resize(input, width, height, filter, region);
        const samples = samplesPerPixel[input.mode];
        expect([part.width, part.height]).to.deep.equal([region.width, region.height]);
        for (let y = 0; y < region.height; y++) {
          const start = ((top + y) * width + left) * samples;
          const row = part.data.subarray(y * region.width * samples, (y + 1) * region.width * samples);
          expect([...row]).to.deep.equal([...whole.data.subarray(start, start + region.width * samples)]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('reads only what a region needs of a shape whose whole would not fit in memory', () => {
    const input = noise('RGB', 1, 100_000, 5);
    const region = { left: 0, top: 11_200_000, width: 224, height: 224 };
    const part = resize(input, 224, 22_400_000, 'bicubic', region);
    expect(part.data.length).to.equal(224 * 224 * 3);
    expect(() => resize(input, 224, 22_400_000, 'bicubic')).to.throw(InputError, /expected a result of at most/);
  });

  it('reads typed arrays that lie inside a larger buffer', () => {
    const input = noise('RGB', 20, 10, 9);
    const backing = new Uint8Array(input.data.length + 7);
    backing.set(input.data, 5);
    const inner = { ...input, data: Buffer.from(backing.buffer, 5, input.data.length) };
    expect(resize(inner, 7, 31, 'bicubic').data).to.deep.equal(resize(input, 7, 31, 'bicubic').data);
  });

  it('refuses bad sizes, filters and regions', () => {
    const input = noise('RGB', 4, 4, 1);
    for (const bad of [0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '7' as unknown as number]) {
      expect(() => resize(input, bad, 4, 'bicubic'), `${bad}`).to.throw(InputError, /^resize: expected a width of/);
      expect(() => resize(input, 4, bad, 'nearest'), `${bad}`).to.throw(InputError, /^resize: expected a height of/);
    }
    expect(() => resize(input, 2, 2, 'bicubi' as ResizeFilter)).to.throw(InputError, /did you mean bicubic/);
    expect(() => resize(input, 2 ** 20, 2 ** 10, 'bilinear')).to.throw(InputError, /got 1048576 x 1024/);
    expect(() => resize(input, 2 ** 21, 1, 'bilinear')).to.throw(InputError, /a side/);
    const strip = picture('L', 5_000_000, 1, new Uint8Array(5_000_000));
    expect(() => resize(strip, 224, 224, 'bicubic')).to.throw(InputError, /a side of 5000000 pixels is too long/);
    expect(resize(strip, 224, 224, 'nearest').data.length).to.equal(224 * 224);
    const whole = { left: 0, top: 0, width: 2, height: 2 };
    for (const bad of [{ left: 1 }, { top: -1 }, { left: 0.5 }, { width: 3 }, { height: 0 }]) {
      expect(() => resize(input, 2, 2, 'box', { ...whole, ...bad }), JSON.stringify(bad)).to.throw(
        InputError,
        /^resize: /,
      );
    }
  });
});
