import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { decodePicture, readPicture } from '../../src/image/decode.js';
import { checkPictureExtension, encodePicture, writePicture } from '../../src/image/encode.js';
import { applyOrientation, type Picture, rgbPicture, toRgb } from '../../src/image/picture.js';
import { expectClose } from '../goldens.js';
import { sample } from './samples.js';

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).to.be.instanceOf(InputError);
  return (error as InputError).message;
}

/** The photo among the samples. */
const photo = (() => {
  const { rgb, width, height } = sample('jpeg-440');
  return rgbPicture(width, height, rgb);
})();

/** Mean of |a - b|. */
function meanDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}

describe('encodePicture', () => {
  it('writes PNG and BMP without loss', async () => {
    for (const extension of ['.png', '.bmp', 'dir.x/some.name.PNG']) {
      const again = await decodePicture(await encodePicture(photo, extension), extension);
      expect(again).to.include({ width: 64, height: 64, mode: 'RGB' });
      expectClose(again.data, photo.data, { maxAbs: 0 }, { name: extension });
    }
  });

  it('writes BMP of widths whose rows are padded', async () => {
    for (const width of [1, 2, 3, 4, 5]) {
      const picture = rgbPicture(width, 3, photo.data.slice(0, 9 * width) as Uint8Array);
      expect([...(await decodePicture(await encodePicture(picture, '.bmp'), 'a')).data]).to.deep.equal([
        ...picture.data,
      ]);
    }
  });

  it('keeps the palette of a label picture in PNG', async () => {
    const labels = await decodePicture(sample('png-palette-trns-short').file, 'labels');
    expect(await decodePicture(await encodePicture(labels, 'a.png'), 'a')).to.deep.equal(labels);
  });

  it('writes JPEG whose loss falls with the quality', async () => {
    const losses: number[] = [];
    const sizes: number[] = [];
    for (const quality of [20, 60, 90, 100]) {
      const bytes = await encodePicture(photo, 'a.jpeg', { quality });
      sizes.push(bytes.length);
      losses.push(meanDifference((await decodePicture(bytes, 'a')).data, photo.data));
    }
    expect(losses).to.deep.equal([...losses].sort((a, b) => b - a));
    expect(sizes).to.deep.equal([...sizes].sort((a, b) => a - b));
    expect(losses[3]).to.be.below(2);
    expect((await encodePicture(photo, 'a.jpg')).length).to.equal(sizes[2]);
  });

  it('drops alpha where the format has none', async () => {
    const clear: Picture = { ...photo, width: 1, height: 1, mode: 'RGBA', data: Uint8Array.of(10, 20, 30, 0) };
    expect([...(await decodePicture(await encodePicture(clear, '.bmp'), 'a')).data]).to.deep.equal([10, 20, 30]);
  });

  it('turns the picture upright', async () => {
    const turned = { ...photo, width: 32, height: 128, orientation: 6 };
    const again = await decodePicture(await encodePicture(turned, '.png'), 'a');
    expect(again).to.deep.equal({ ...applyOrientation(turned), format: 'png' });
    expect([again.width, again.height]).to.deep.equal([128, 32]);
  });

  it('refuses extensions it does not write and options out of range', async () => {
    expect(await refusal(encodePicture(photo, 'out.gif'))).to.match(
      /^out\.gif: expected a name that ends in \.png, .*'\.gif'/,
    );
    expect(await refusal(encodePicture(photo, 'out'))).to.include('got no extension');
    expect(await refusal(encodePicture(photo, 'a.pgn'))).to.include('did you mean .png');
    expect(await refusal(encodePicture(photo, 'a.constructor'))).to.include("got '.constructor'");
    expect(await refusal(encodePicture(photo, 'a.jpg', { quality: 0 }))).to.include('quality');
    expect(await refusal(encodePicture(photo, 'a.jpg', { quality: 90.5 }))).to.include('got 90.5');
    expect(await refusal(encodePicture(photo, 'a.png', { level: 10 }))).to.include(
      'level to be a whole number from 0 to 9',
    );
    const long = rgbPicture(65_536, 1, new Uint8Array(3 * 65_536));
    expect(await refusal(encodePicture(long, 'long.jpg'))).to.equal(
      'long.jpg: a JPEG has at most 65535 pixels a side, got 65536 x 1; write a PNG',
    );
    expect(() => checkPictureExtension('a.tiff')).to.throw(InputError, '.png, .jpg, .jpeg, .bmp');
    expect(() => checkPictureExtension('a.JPG')).not.to.throw();
  });
});

describe('writePicture', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pictures-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('writes what readPicture reads, and nothing else', async () => {
    for (const name of ['a.png', 'b.bmp', 'c.jpg']) {
      await writePicture(join(folder, name), photo, { quality: 100 });
      const again = toRgb(await readPicture(join(folder, name)));
      expectClose(again.data, photo.data, { maxAbs: name === 'c.jpg' ? 12 : 0 }, { name });
    }
    expect(readdirSync(folder)).to.have.members(['a.png', 'b.bmp', 'c.jpg']);
  });

  it('leaves a file as it was when it cannot write', async () => {
    const path = join(folder, 'a.png');
    writeFileSync(path, 'before');
    await refusal(writePicture(path, photo, { level: -1 }));
    expect(readFileSync(path, 'utf8')).to.equal('before');
    expect(await refusal(writePicture(join(folder, 'a.webp'), photo))).to.include('a.webp');
    const missing = join(folder, 'missing', 'a.png');
    expect(await refusal(writePicture(missing, photo))).to.include(missing);
    expect(existsSync(join(folder, 'missing'))).to.equal(false);
    expect(readdirSync(folder)).to.deep.equal(['a.png']);
  });
});
