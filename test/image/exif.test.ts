import { expect } from 'chai';
import fc from 'fast-check';
import { exifOrientation } from '../../src/image/exif.js';

/** An EXIF block with one or more entries of tag, type, count and value. */
function block(little: boolean, entries: [tag: number, type: number, value: number][]): Uint8Array {
  const bytes = new Uint8Array(8 + 2 + 12 * entries.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, little ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  view.setUint16(8, entries.length, little);
  entries.forEach(([tag, type, value], i) => {
    const at = 10 + 12 * i;
    view.setUint16(at, tag, little);
    view.setUint16(at + 2, type, little);
    view.setUint32(at + 4, 1, little);
    view.setUint16(at + 8, value, little);
  });
  return bytes;
}

describe('exifOrientation', () => {
  for (const little of [true, false]) {
    it(`reads every orientation, ${little ? 'little' : 'big'} end first`, () => {
      for (let value = 1; value <= 8; value++) {
        expect(exifOrientation(block(little, [[0x0112, 3, value]]))).to.equal(value);
      }
    });

    it(`finds it behind other entries, ${little ? 'little' : 'big'} end first`, () => {
      expect(
        exifOrientation(
          block(little, [
            [0x0100, 3, 5],
            [0x010f, 2, 7],
            [0x0112, 3, 6],
          ]),
        ),
      ).to.equal(6);
    });
  }

  it('takes the prefix that JPEG puts before the block', () => {
    const prefixed = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), block(true, [[0x0112, 3, 3]])]);
    expect(exifOrientation(prefixed)).to.equal(3);
  });

  it('counts values that EXIF has not, and other types, as upright', () => {
    for (const value of [0, 9, 65535]) expect(exifOrientation(block(true, [[0x0112, 3, value]]))).to.equal(1);
    expect(exifOrientation(block(true, [[0x0112, 2, 6]]))).to.equal(1);
    expect(exifOrientation(block(true, []))).to.equal(1);
  });

  it('counts a block cut short anywhere as upright', () => {
    const whole = block(true, [[0x0112, 3, 6]]);
    for (let length = 0; length < 22; length++) expect(exifOrientation(whole.subarray(0, length))).to.equal(1);
    expect(exifOrientation(whole.subarray(0, 22))).to.equal(6);
  });

  it('gives 1 to 8 for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, begun) => {
        if (begun) bytes.set(block(true, []).subarray(0, Math.min(4, bytes.length)));
        expect(exifOrientation(bytes)).to.be.within(1, 8);
      }),
    );
  });
});
