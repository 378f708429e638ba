import { deflateSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { Jimp } from 'jimp';
import { InputError } from '../../src/errors.js';
import { crc32 } from '../../src/files/crc32.js';
import { type Picture, type PixelMode, rgbPicture, samplesPerPixel, toRgb } from '../../src/image/picture.js';
import { decodePng } from '../../src/image/png/decode.js';
import { encodePng } from '../../src/image/png/encode.js';
import { expectClose } from '../goldens.js';
import { sample, samples } from './samples.js';

const limit = 2 ** 20;
const decode = (bytes: Uint8Array, pixels = limit) => decodePng(bytes, 'a.png', pixels);

function chunk(type: string, ...data: number[]): Buffer {
  const typed = Buffer.from([...Buffer.from(type, 'latin1'), ...data]);
  const out = Buffer.alloc(typed.length + 8);
  out.writeUInt32BE(data.length);
  typed.copy(out, 4);
  out.writeUInt32BE(crc32(typed), typed.length + 4);
  return out;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const u32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const header = (width: number, height: number, bits = 8, colour = 0, ...rest: number[]) =>
  chunk('IHDR', ...u32(width), ...u32(height), bits, colour, ...(rest.length ? rest : [0, 0, 0]));
const pixels = (...raw: number[]) => chunk('IDAT', ...deflateSync(Buffer.from(raw)));
const end = chunk('IEND');
const file = (...chunks: Buffer[]) => Buffer.concat([signature, ...chunks]);

describe('decodePng', () => {
  it('undoes each filter', () => {
    const rows = [
      [0, 10, 20, 250],
      [1, 10, 20, 250],
      [2, 1, 255, 3],
      [3, 7, 8, 9],
      [4, 1, 2, 3],
    ];
    const { data } = decode(file(header(3, 5), pixels(...rows.flat()), end));
    expect([...data]).to.deep.equal([10, 20, 250, 10, 30, 24, 11, 29, 27, 12, 28, 36, 13, 30, 39]);
  });

  it('agrees with jimp on every sample of 8 bits a channel', async () => {
    for (const { name, file: bytes, mode } of samples) {
      if (!/^png-.*8bit$|^png-interlaced|^png-many/.test(name)) continue;
      const { bitmap } = await Jimp.fromBuffer(Buffer.from(bytes));
      const theirs = bitmap.data.filter((_, i) => i % 4 !== 3);
      expectClose(toRgb(decode(bytes)).data, theirs, { maxAbs: 0 }, { name: `${name} ${mode}` });
    }
  });

  it('reads what comes after IEND as nothing and skips unknown ancillary chunks, whatever their checksum', () => {
    const wrong = chunk('teXt', 1, 2, 3);
    wrong[wrong.length - 1]! ^= 1;
    const bytes = Buffer.concat([file(header(1, 1), wrong, pixels(0, 9), end), Buffer.from('more')]);
    expect([...decode(bytes).data]).to.deep.equal([9]);
  });

  const bad: Record<string, [Buffer, RegExp]> = {
    'no chunk at all': [file(), /cut short/],
    'no IHDR first': [file(pixels(0, 1), end), /begins with a IDAT chunk/],
    'IHDR of 12 bytes': [file(chunk('IHDR', ...new Array(12).fill(1)), end), /12 bytes, not 13/],
    'zero width': [file(header(0, 5), pixels(0), end), /at least one pixel, got 0 x 5/],
    'zero height': [file(header(5, 0), pixels(0), end), /at least one pixel, got 5 x 0/],
    'more pixels than allowed': [file(header(1025, 1024), pixels(0), end), /at most 1048576 pixels, .* 1025 x 1024/],
    'the largest sides': [file(header(2 ** 32 - 1, 2 ** 32 - 1), pixels(0), end), /at most/],
    'grey of 3 bits': [file(header(1, 1, 3), pixels(0, 1), end), /colour type 0 with 3 bits/],
    'palette of 16 bits': [file(header(1, 1, 16, 3), pixels(0, 1), end), /colour type 3 with 16 bits/],
    'colour type 1': [file(header(1, 1, 8, 1), pixels(0, 1), end), /colour type 1 /],
    'compression 1': [file(header(1, 1, 8, 0, 1, 0, 0), pixels(0, 1), end), /compression 1/],
    'filter method 1': [file(header(1, 1, 8, 0, 0, 1, 0), pixels(0, 1), end), /filter 1/],
    'interlace 2': [file(header(1, 1, 8, 0, 0, 0, 2), pixels(0, 1), end), /interlace 2/],
    'two headers': [file(header(1, 1), header(1, 1), pixels(0, 1), end), /second critical chunk IHDR/],
    'an unknown critical chunk': [file(header(1, 1), chunk('ABCD'), pixels(0, 1), end), /critical chunk ABCD/],
    'a chunk name of blanks': [file(header(1, 1), chunk('    '), pixels(0, 1), end), /no chunk begins at byte 33/],
    'no pixels': [file(header(1, 1), end), /no IDAT/],
    'a chunk amid the pixels': [
      file(header(1, 1), chunk('IDAT', 1), chunk('tRNS', 0, 0), chunk('IDAT', 2), end),
      /tRNS chunk stands amid/,
    ],
    'no end': [file(header(1, 1), pixels(0, 1)), /cut short/],
    'filter 5': [file(header(1, 1), pixels(5, 1), end), /filter 5/],
    'a row too few': [file(header(1, 3), pixels(0, 1, 0, 1), end), /cut short: it holds 4 of the 6 bytes/],
    'a byte too many': [file(header(1, 1), pixels(0, 1, 2), end), /more than the 2 bytes/],
    'pixels that are not compressed': [file(header(1, 1), chunk('IDAT', 0, 1), end), /cannot be read/],
    'no palette': [file(header(1, 1, 8, 3), pixels(0, 0), end), /no PLTE/],
    'a palette after the pixels': [file(header(1, 1, 8, 3), pixels(0, 0), chunk('PLTE', 1, 2, 3), end), /follows/],
    'two palettes': [file(header(1, 1, 8, 3), chunk('PLTE', 1, 2, 3), chunk('PLTE', 1, 2, 3), end), /two PLTE/],
    'a palette of 4 bytes': [file(header(1, 1, 8, 3), chunk('PLTE', 1, 2, 3, 4), pixels(0, 0), end), /4 bytes/],
    'an empty palette': [file(header(1, 1, 8, 3), chunk('PLTE'), pixels(0, 0), end), /0 bytes/],
    'an index beyond the palette': [
      file(header(3, 1, 8, 3), chunk('PLTE', 1, 2, 3, 4, 5, 6), pixels(0, 0, 1, 2), end),
      /pixel 2 has palette index 2, and the palette has 2 colours/,
    ],
  };
  for (const [what, [bytes, message]] of Object.entries(bad)) {
    it(`refuses ${what}`, () => {
      expect(() => decode(bytes)).to.throw(InputError, message);
    });
  }

  for (const type of ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']) {
    it(`refuses a wrong checksum of ${type}`, () => {
      const { file: whole } = sample('png-palette-trns-short');
      const at = Buffer.from(whole).indexOf(type);
      const length = Buffer.from(whole).readUInt32BE(at - 4);
      const bytes = Uint8Array.from(whole);
      bytes[at + 4 + length]! ^= 0x10;
      expect(() => decode(bytes)).to.throw(InputError, `the checksum of its ${type} chunk is wrong`);
    });
  }

  it('never inflates beyond the size in the header', () => {
    const bomb = chunk('IDAT', ...deflateSync(Buffer.alloc(2 ** 26), { level: 9 }));
    const before = process.memoryUsage().arrayBuffers;
    expect(() => decode(file(header(4, 4), bomb, end))).to.throw(InputError, /more than the 20 bytes/);
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(2 ** 24);
  });

  it('takes no memory for a size that the bytes cannot hold', () => {
    const lie = file(header(13000, 13000, 16, 6), pixels(...new Array(200).fill(0)), end);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => decode(lie, 2 ** 28)).to.throw(
      InputError,
      /cut short: \d+ compressed bytes cannot hold 13000 x 13000/,
    );
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(2 ** 24);
  });

  it('reads a picture one pixel wide and a million high', () => {
    const raw = Buffer.from(Array.from({ length: 2 * 10 ** 6 }, (_, i) => (i % 2) * ((i >> 1) % 3)));
    const bytes = file(header(1, 10 ** 6), chunk('IDAT', ...deflateSync(raw)), end);
    const { width, height, data } = decode(bytes);
    expect([width, height]).to.deep.equal([1, 10 ** 6]);
    expectClose(
      data,
      Uint8Array.from({ length: 10 ** 6 }, (_, i) => i % 3),
      { maxAbs: 0 },
    );
  });
});

/** Any small picture of any mode. */
const anyPicture: fc.Arbitrary<Picture> = fc
  .record({
    width: fc.integer({ min: 1, max: 20 }),
    height: fc.integer({ min: 1, max: 20 }),
    mode: fc.constantFrom<PixelMode>(...(Object.keys(samplesPerPixel) as PixelMode[])),
    colours: fc.integer({ min: 1, max: 256 }),
    alpha: fc.boolean(),
    smooth: fc.boolean(),
    seed: fc.integer({ min: 1, max: 2 ** 31 }),
  })
  .map(({ width, height, mode, colours, alpha, smooth, seed }) => {
    let state = seed;
    const next = (range: number) => {
      state = (Math.imul(state, 48271) + 11) & 0x7fffffff;
      return (state >> 8) % range;
    };
    const count = width * height * samplesPerPixel[mode];
    const bytes = (length: number) => Uint8Array.from({ length }, () => next(256));
    const data =
      mode === 'I;16'
        ? Uint16Array.from({ length: count }, () => next(65536))
        : mode === '1'
          ? Uint8Array.from({ length: count }, () => 255 * next(2))
          : Uint8Array.from({ length: count }, (_, i) =>
              mode === 'P' ? next(colours) : smooth ? i + next(3) : next(256),
            );
    const palette = { rgb: bytes(3 * colours), ...(alpha && { alpha: bytes(colours) }) };
    return { width, height, mode, data, ...(mode === 'P' && { palette }), orientation: 1, format: 'png' };
  });

describe('encodePng', () => {
  it('writes any picture so that it is read again as it was', () =>
    fc.assert(
      fc.asyncProperty(anyPicture, fc.integer({ min: 0, max: 9 }), async (picture, level) => {
        expect(decode(await encodePng(picture, level))).to.deep.equal(picture);
      }),
      { numRuns: 300 },
    ));

  it('writes colour, grey and palette so that jimp reads them', async () => {
    for (const name of ['png-colour2-8bit', 'png-colour0-8bit', 'png-colour3-4bit', 'png-colour6-8bit', 'jpeg-440']) {
      const { rgb, width, height, native } = sample(name);
      const picture = name === 'jpeg-440' ? rgbPicture(width, height, rgb) : decode(sample(name).file);
      const { bitmap } = await Jimp.fromBuffer(Buffer.from(await encodePng(picture)));
      expect([bitmap.width, bitmap.height]).to.deep.equal([width, height]);
      expectClose(
        bitmap.data.filter((_, i) => i % 4 !== 3),
        rgb,
        { maxAbs: 0 },
        { name },
      );
      if (name === 'png-colour6-8bit') expectClose(bitmap.data, native!, { maxAbs: 0 }, { name });
    }
  });

  it('filters a photo into a file well below the size of its samples', async () => {
    const { rgb, width, height } = sample('jpeg-440');
    const smooth = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i % 192) + Math.floor(i / 192));
    expect((await encodePng(rgbPicture(64, 64, smooth))).length).to.be.below(600);
    expect((await encodePng(rgbPicture(width, height, rgb))).length).to.be.below(deflateSync(rgb).length);
  });
});
