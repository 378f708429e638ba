import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { decodePicture, readPicture } from '../../src/image/decode.js';
import { cpuTime } from '../cpuTime.js';
import { unprivileged } from '../unprivileged.js';
import { sample } from './samples.js';

/** The message with which `work` refuses; fails when it does not, or fails otherwise. */
async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    expect(error).to.be.instanceOf(InputError);
    const { message } = error as InputError;
    expect(message).to.match(/^[^\n]+$/);
    return message;
  }
  throw new Error('it was not refused');
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('what is no picture', () => {
  const strangers: Record<string, [string, string]> = {
    'an SVG drawing': ['<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', 'an SVG drawing'],
    'an SVG drawing with a prologue': [
      '\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x --><!DOCTYPE svg>\n<SVG>',
      'an SVG drawing',
    ],
    'an HTML page': ['\n<!DOCTYPE html><html><body>404</body></html>', 'an HTML page'],
    'an XML text': ['<?xml version="1.0"?><rss/>', 'an XML text'],
    'a PDF': ['%PDF-1.7\n', 'a PDF document'],
    HEIC: ['\0\0\0\x18ftypheic\0\0\0\0', 'a HEIC picture'],
    AVIF: ['\0\0\0\x1cftypavif\0\0\0\0', 'an AVIF picture'],
    'a film': ['\0\0\0\x1cftypisom\0\0\0\0', 'a video'],
    'a TIFF, little end first': ['II*\0\x08\0\0\0', 'a TIFF picture'],
    'a TIFF, big end first': ['MM\0*\0\0\0\x08', 'a TIFF picture'],
    'JPEG 2000': ['\0\0\0\x0cjP  \r\n\x87\n', 'a JPEG 2000 picture'],
    'JPEG XL': ['\xff\x0a\xfa\x1f', 'a JPEG XL picture'],
    'an icon': ['\0\0\x01\0\x01\0', 'a Windows icon'],
    Photoshop: ['8BPS\0\x01', 'a Photoshop document'],
    Netpbm: ['P6\n1 1\n255\nabc', 'a Netpbm picture'],
    'a zip archive': ['PK\x03\x04\x14\0', 'a zip archive'],
    'a Git LFS pointer': ['version https://git-lfs.github.com/spec/v1\n', 'git lfs pull'],
    text: ['hello world\n', 'got text'],
    'text that begins like a BMP': ['BMW is a maker of cars', 'got text'],
    'text that begins like a GIF': ['GIF is a format', 'got text'],
    'other bytes': ['\x01\x02\x03\x04', 'unknown binary data'],
    'RIFF with sound': ['RIFF\x24\0\0\0WAVEfmt ', 'unknown binary data'],
    nothing: ['', 'an empty file'],
  };
  for (const [what, [content, named]] of Object.entries(strangers)) {
    it(`is named: ${what}`, async () => {
      const message = await refusal(decodePicture(latin1(content), 'it.png'));
      expect(message).to.match(/^it\.png: expected a PNG, JPEG, WebP, BMP or GIF picture, got /);
      expect(message).to.include(named);
    });
  }

  it('is recognised in no time, however it repeats', async () => {
    const time = await cpuTime(async () => {
      for (const text of ['<!---->', '<?xml ?>', ' ', '<svg'.slice(0, 3), '\xef\xbb\xbf']) {
        await refusal(decodePicture(latin1(`<${text.repeat(100_000)}`), 'a'));
      }
    });
    expect(time).to.be.below(500);
  });
});

describe('readPicture', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pictures-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('goes by content, not by extension', async () => {
    for (const [name, format] of [
      ['jpeg-q75_420', 'jpeg'],
      ['gif-photo', 'gif'],
      ['webp-rgb-lossy', 'webp'],
      ['bmp-24bit', 'bmp'],
    ] as const) {
      const path = join(folder, 'wrong.png');
      writeFileSync(path, sample(name).file);
      expect((await readPicture(path)).format).to.equal(format);
    }
  });

  it('refuses what is missing, a folder, empty, or another kind of file', async () => {
    const missing = join(folder, 'missing.png');
    expect(await refusal(readPicture(missing))).to.equal(`${missing}: cannot be read: no such file or folder`);
    mkdirSync(join(folder, 'folder.png'));
    expect(await refusal(readPicture(join(folder, 'folder.png')))).to.include('got a directory');
    writeFileSync(join(folder, 'empty.png'), '');
    expect(await refusal(readPicture(join(folder, 'empty.png')))).to.include('got an empty file');
    writeFileSync(join(folder, 'drawing.png'), '<svg/>');
    expect(await refusal(readPicture(join(folder, 'drawing.png')))).to.include('an SVG drawing');
  });

  it('refuses a file that may not be read', async function () {
    if (process.platform === 'win32') this.skip();
    const path = join(folder, 'locked.png');
    writeFileSync(path, sample('png-many-idat').file);
    chmodSync(folder, 0o755);
    const attempt = () => unprivileged(() => readPicture(path));
    expect((await attempt()).width).to.equal(13);
    chmodSync(path, 0);
    expect(await refusal(attempt())).to.equal(`${path}: cannot be read: permission denied`);
  });

  it('holds to the given pixel limit', async () => {
    const path = join(folder, 'small.png');
    writeFileSync(path, sample('png-many-idat').file);
    expect(await refusal(readPicture(path, { maxPixels: 142 }))).to.include(
      'at most 142 pixels, its header says 13 x 11',
    );
    expect((await readPicture(path, { maxPixels: 143 })).width).to.equal(13);
    expect(await refusal(readPicture(path, { maxPixels: Number.NaN }))).to.include('at most NaN pixels');
  });
});

describe('pictures cut short', () => {
  /** Bytes at the end that are not part of the first picture. */
  const spare: Record<string, number> = {
    'gif-photo': 1,
    'gif-interlaced': 1,
    'bmp-24bit': 3,
    'bmp-4bit-11wide': 2,
    'bmp-os2': 2,
    'bmp-rle8': 2,
  };
  const names = [
    'png-colour2-8bit-interlaced',
    'png-palette-trns-short',
    'jpeg-q75_420',
    'jpeg-progressive_420',
    'jpeg-cmyk-exif8',
  ];
  names.push('webp-rgb-lossy', 'webp-rgba-lossless', 'webp-exif8', 'bmp-rgba-v5', ...Object.keys(spare));
  for (const name of names) {
    it(`${name}: at every byte`, async () => {
      const { file } = sample(name);
      const needed = file.length - (spare[name] ?? 0);
      for (let length = 0; length < needed; length++) await refusal(decodePicture(file.subarray(0, length), name));
      await decodePicture(file.subarray(0, needed), name);
    });
  }

  for (const name of ['jpeg-q75_420', 'jpeg-restart', 'jpeg-grey', 'jpeg-cmyk-exif8']) {
    it(`${name}: in the middle of its data, with an end marker put behind`, async () => {
      const { file } = sample(name);
      for (const missing of [20, 60, 150]) {
        const cut = Buffer.concat([file.subarray(0, file.length - missing), Buffer.of(0xff, 0xd9)]);
        expect(await refusal(decodePicture(cut, 'a.jpg'))).to.match(/^a\.jpg: the picture is (?:cut short|damaged)/);
      }
    });
  }

  it('jpeg: a part in the middle missing', async () => {
    const { file } = sample('jpeg-restart');
    const scan = Buffer.from(file).indexOf(Buffer.of(0xff, 0xda));
    const torn = Buffer.concat([file.subarray(0, scan + 40), file.subarray(scan + 140)]);
    expect(await refusal(decodePicture(torn, 'a.jpg'))).to.include("the decoder says 'Corrupt JPEG data: ");
  });

  it('webp: in the middle of its data, with the sizes put right', async () => {
    const { file } = sample('webp-rgb-lossless');
    const cut = Buffer.from(file.subarray(0, file.length - 200));
    cut.writeUInt32LE(cut.length - 8, 4);
    cut.writeUInt32LE(cut.length - 20, 16);
    expect(await refusal(decodePicture(cut, 'a.webp'))).to.include('ends early');
  });
});

/** A sample with some bytes changed: `[offset, ...bytes]`. */
function changed(name: string, ...changes: [number, ...number[]][]): Uint8Array {
  const bytes = Uint8Array.from(sample(name).file);
  for (const [at, ...values] of changes) bytes.set(values, at);
  return bytes;
}

/** Where the JPEG frame header's precision, height, width and channel count stand. */
const frameAt = (name: string) => Buffer.from(sample(name).file).indexOf(Buffer.of(0xff, 0xc0)) + 4;

describe('sizes and kinds that are refused from the header', () => {
  const jpeg = frameAt('jpeg-q75_420');
  const cases: Record<string, [Uint8Array, string]> = {
    'jpeg of no width': [changed('jpeg-q75_420', [jpeg + 3, 0, 0]), 'at least one pixel, got 0 x 29'],
    'jpeg of no height': [changed('jpeg-q75_420', [jpeg + 1, 0, 0]), 'at least one pixel, got 37 x 0'],
    'jpeg of 65535 x 65535': [changed('jpeg-q75_420', [jpeg + 1, 255, 255, 255, 255]), 'at most 178956970 pixels'],
    'jpeg of 13000 x 13000': [
      changed('jpeg-q75_420', [jpeg + 1, 50, 200, 50, 200]),
      'cannot hold 13000 x 13000 pixels',
    ],
    'jpeg of 12 bits': [changed('jpeg-q75_420', [jpeg, 12]), 'a JPEG of 12 bits a sample is not read'],
    'jpeg of two channels': [changed('jpeg-q75_420', [jpeg + 5, 2]), 'its frame header holds 15 bytes'],
    'jpeg without loss': [changed('jpeg-q75_420', [jpeg - 3, 0xc3]), 'SOF3 (lossless or hierarchical) is not read'],
    'jpeg with sampling 5': [changed('jpeg-q75_420', [jpeg + 7, 0x51]), 'sampling factor outside 1 to 4'],
    'jpeg of markers only': [Uint8Array.of(0xff, 0xd8, 0xff, 0xd9), 'before any picture data'],
    'jpeg with a segment of length 1': [Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 1, 0xff, 0xd9), 'has length 1'],
    'gif of no width': [changed('gif-photo', [6, 0, 0], [gifFrame('gif-photo') + 5, 0, 0]), 'at least one pixel'],
    'gif of 65535 x 65535': [changed('gif-photo', [6, 255, 255, 255, 255]), 'at most 178956970 pixels'],
    'gif frame of 13000 x 13000': [
      changed('gif-photo', [gifFrame('gif-photo') + 5, 200, 50, 200, 50]),
      'cannot hold 169000000 pixels',
    ],
    'gif codes of 12 bits': [changed('gif-no-table', [gifFrame('gif-no-table') + 10, 12]), 'begin with 12 bits'],
    'bmp of no width': [changed('bmp-24bit', [18, 0]), 'at least one pixel, got 0 x 7'],
    'bmp of negative width': [changed('bmp-24bit', [18, 255, 255, 255, 255]), 'at least one pixel, got -1 x 7'],
    'bmp of 2^31 - 1 pixels': [changed('bmp-24bit', [18, 255, 255, 255, 127]), 'at most 178956970 pixels'],
    'bmp of 13000 x 13000': [changed('bmp-24bit', [18, 200, 50, 0, 0, 200, 50]), 'cut short: its pixels need'],
    'bmp of run-length coded 13000 x 13000': [
      changed('bmp-rle8', [18, 200, 50, 0, 0, 200, 50]),
      'bytes cannot hold 13000 x 13000 pixels',
    ],
    'bmp of 2 bits': [changed('bmp-24bit', [28, 2]), 'a BMP of 2 bits a pixel is not read'],
    'bmp with a PNG in it': [changed('bmp-24bit', [30, 5]), 'a BMP of compression 5 is not read'],
    'bmp of run-length coded colours': [changed('bmp-24bit', [30, 1]), 'compression 1 of 24 bits'],
    'bmp with a torn mask': [changed('bmp-565', [54, 0x05, 0x05]), 'the mask of its red channel is 0x505'],
    'bmp of 257 colours': [changed('bmp-few-colours', [46, 1, 1]), 'announces 257 colours'],
    'bmp with an index beyond its colours': [changed('bmp-few-colours', [74, 5]), 'has palette index 5'],
    'webp of 16384 x 16384': [changed('webp-rgb-lossless', [21, 255, 255, 255, 15]), 'at most 178956970 pixels'],
    'webp of no width': [changed('webp-rgb-lossy', [26, 0, 0]), 'at least one pixel, got 0 x 19'],
    'webp whose frame is no key frame': [changed('webp-rgb-lossy', [20, 1]), 'does not begin with a key frame'],
    'webp whose canvas differs': [changed('webp-exif8', [24, 99]), 'canvas and its picture differ'],
    'webp of chunks unknown': [changed('webp-rgb-lossy', [12, 65, 66, 67, 10]), 'has no picture chunk'],
    'webp in motion': [changed('webp-rgb-lossy', [12, ...latin1('ANIM')]), 'an animated WebP is not read'],
  };
  for (const [what, [bytes, message]] of Object.entries(cases)) {
    it(what, async () => {
      const before = process.memoryUsage().arrayBuffers;
      expect(await refusal(decodePicture(bytes, 'a'))).to.include(message);
      expect(process.memoryUsage().arrayBuffers - before).to.be.below(2 ** 25);
    });
  }

  it('jpeg with more scans than any encoder writes', async () => {
    const { file } = sample('jpeg-progressive_420');
    const scan = Buffer.from(file).lastIndexOf(Buffer.of(0xff, 0xda));
    const again = file.subarray(scan, file.length - 2);
    const bytes = Buffer.concat([file.subarray(0, scan), ...new Array(101).fill(again), file.subarray(-2)]);
    expect(await refusal(decodePicture(bytes, 'a.jpg'))).to.include('more than 100 scans');
  });

  it('gif codes that stand for nothing yet', async () => {
    // Four colours, codes of three bits: clear (4), then 7, where the first new code would be 6.
    const bytes = Buffer.concat([latin1('GIF87a'), Buffer.of(2, 0, 1, 0, 0, 0, 0), latin1(',\0\0\0\0\x02\0\x01\0\0')]);
    const data = Buffer.of(2, 2, 0b00111100, 0, 0);
    expect(await refusal(decodePicture(Buffer.concat([bytes, data]), 'a.gif'))).to.include('code 7 after 0 pixels');
  });
});

/** Where the GIF's first frame block begins: its own tables are skipped. */
function gifFrame(name: string): number {
  const file = Buffer.from(sample(name).file);
  let at = 13 + (file[10]! & 0x80 ? 3 * 2 ** ((file[10]! & 7) + 1) : 0);
  while (file[at] === 0x21) {
    at += 2;
    while (file[at]! > 0) at += 1 + file[at]!;
    at++;
  }
  return at;
}
