import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Pictures, picturesApart, picturesHere } from '../../../src/image/apart/pictures.js';
import { encodePicture } from '../../../src/image/encode.js';
import { rgbPicture } from '../../../src/image/picture.js';
import { encodePng } from '../../../src/image/png/encode.js';
import { rejection } from '../../files/rejection.js';

const [width, height] = [1300, 900];
const photo = rgbPicture(
  width,
  height,
  Uint8Array.from({ length: 3 * width * height }, (_, i) => (i % 3900) / 16 + Math.floor(i / 39_000)),
);

describe('large pictures in a thread of their own', function () {
  this.timeout(30_000);
  let folder: string;
  let pictures: Pictures;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'clipscope-apart-'));
    pictures = picturesApart();
    writeFileSync(join(folder, 'large.png'), await encodePng(photo, 1));
    const jpeg = await encodePicture(photo, '.jpg');
    writeFileSync(join(folder, 'large.jpg'), jpeg);
    writeFileSync(join(folder, 'cut.jpg'), jpeg.subarray(0, jpeg.length >> 1));
    // EXIF with orientation 6 behind the start of the image.
    const exif = Buffer.from('ffe100224578696600004d4d002a000000080001011200030000000100060000000000', 'hex');
    const turned = Buffer.concat([jpeg.subarray(0, 2), exif, Buffer.from([0]), jpeg.subarray(2)]);
    writeFileSync(join(folder, 'turned.jpg'), turned);
    writeFileSync(join(folder, 'small.png'), await encodePng(rgbPicture(2, 1, new Uint8Array(6))));
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const file of ['large.png', 'large.jpg', 'turned.jpg', 'small.png']) {
    it(`reads ${file} as it is read here`, async () => {
      for (const upright of [false, true]) {
        const path = join(folder, file);
        expect(await pictures.read(path, { upright })).to.deep.equal(await picturesHere.read(path, { upright }));
      }
    });
  }

  it('turns a picture upright only where it is asked to', async () => {
    const path = join(folder, 'turned.jpg');
    expect((await pictures.read(path, { upright: true })).width).to.equal(height);
    expect(await pictures.read(path, { upright: false })).to.include({ width, orientation: 6 });
  });

  it('refuses what is refused here, in the same words, and goes on', async () => {
    for (const file of ['cut.jpg', 'missing.png']) {
      const path = join(folder, file);
      const message = await rejection(picturesHere.read(path, { upright: true }));
      expect(await rejection(pictures.read(path, { upright: true }))).to.equal(message);
    }
    const long = rgbPicture(70_000, 5, new Uint8Array(3 * 350_000));
    expect(await rejection(pictures.write(join(folder, 'long.jpg'), long))).to.include('a JPEG has at most 65535');
    expect((await pictures.read(join(folder, 'large.png'), { upright: true })).width).to.equal(width);
  });

  for (const name of ['out.jpg', 'out.bmp', 'out.png']) {
    it(`writes ${name} as it is written here`, async () => {
      await pictures.write(join(folder, name), photo);
      const apart = readFileSync(join(folder, name));
      await picturesHere.write(join(folder, name), photo);
      expect(apart.equals(readFileSync(join(folder, name)))).to.equal(true);
      // What was sent is still there.
      expect(photo.data.length).to.equal(3 * width * height);
      expect(readdirSync(folder).filter(file => file.endsWith('.tmp'))).to.deep.equal([]);
    });
  }
});
