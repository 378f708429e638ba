import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../../../src/errors.js';
import { decodePicture } from '../../../../src/image/decode.js';
import { pictureSize } from '../../../../src/lab/page/engine/pictureSize.js';

const folders = ['test/fixtures/goldens/preprocess/images', 'test/fixtures/pictures', 'examples'];
const files = folders.flatMap(folder =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => /\.(png|jpe?g|webp|bmp|gif)$/i.test(name))
    .map(name => `${folder}/${name}`),
);

describe('the size that a picture file claims', () => {
  it('is the one it is decoded to', async function () {
    this.timeout(60_000);
    const seen = new Set<string>();
    for (const file of files) {
      const bytes = readFileSync(file);
      let decoded: Awaited<ReturnType<typeof decodePicture>>;
      try {
        decoded = await decodePicture(bytes, file);
      } catch (error) {
        expect(error).to.be.instanceOf(InputError);
        continue;
      }
      const { width, height, format } = decoded;
      expect(pictureSize(bytes), file).to.deep.equal({ width, height });
      seen.add(format);
    }
    expect([...seen].sort()).to.include.members(['jpeg', 'png']);
  });

  it('is told from bytes that only claim', () => {
    const bytes = (text: string, ...rest: number[]) => Uint8Array.from([...Buffer.from(text, 'latin1'), ...rest]);
    const png = bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 0, 1, 0, 0, 0, 0, 255, 255);
    expect(pictureSize(png)).to.deep.equal({ width: 65_536, height: 65_535 });
    const vp8x = bytes('RIFF....WEBPVP8X........', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    expect(pictureSize(vp8x)).to.deep.equal({ width: 2 ** 24, height: 2 ** 24 });
    const vp8l = bytes('RIFF....WEBPVP8L....\x2f', 0x09, 0xc0, 0x02, 0x00);
    expect(pictureSize(vp8l)).to.deep.equal({ width: 10, height: 12 });
    const vp8 = bytes('RIFF....WEBPVP8 .......\x9d\x01*', 10, 0, 12, 0);
    expect(pictureSize(vp8)).to.deep.equal({ width: 10, height: 12 });
    expect(pictureSize(bytes('GIF89a', 10, 0, 12, 0))).to.deep.equal({ width: 10, height: 12 });
    const bmp = new Uint8Array(26);
    bmp.set(bytes('BM'));
    new DataView(bmp.buffer).setInt32(18, 10, true);
    new DataView(bmp.buffer).setInt32(22, -12, true);
    expect(pictureSize(bmp)).to.deep.equal({ width: 10, height: 12 });
    for (const text of ['', 'GIF89a', '<svg/>', 'RIFF....WAVEfmt ', '\xff\xd8\xff', '\x89PNG\r\n\x1a\n']) {
      expect(pictureSize(bytes(text)), text).to.equal(undefined);
    }
  });

  it('is a size or none, whatever the bytes', () => {
    const begins = fc.constantFrom('\x89PNG\r\n\x1a\n', 'GIF89a', 'BM', 'RIFF....WEBPVP8X', '\xff\xd8\xff\xe0', '');
    fc.assert(
      fc.property(begins, fc.uint8Array({ maxLength: 60 }), (begin, rest) => {
        const size = pictureSize(Uint8Array.from([...Buffer.from(begin, 'latin1'), ...rest]));
        if (size) expect(size.width >= 0 && size.height >= 0).to.equal(true);
      }),
    );
  });
});
