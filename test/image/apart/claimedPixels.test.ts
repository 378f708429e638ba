import { expect } from 'chai';
import fc from 'fast-check';
import { claimedPixels } from '../../../src/image/apart/claimedPixels.js';
import { pictureFormat } from '../../../src/image/sniff.js';
import { samples } from '../samples.js';

describe('how many pixels a file speaks of', () => {
  for (const { name, file, width, height } of samples) {
    // Its screen is smaller than its picture.
    if (name === 'gif-beyond-screen') continue;
    it(name, () => {
      expect(claimedPixels(file, pictureFormat(file, name))).to.equal(width * height);
    });
  }

  it('is unknown where the bytes end before', () => {
    for (const { name, file } of samples) {
      expect(claimedPixels(file.subarray(0, 9), pictureFormat(file, name)), name).to.equal(Number.POSITIVE_INFINITY);
    }
  });

  it('is a number for any bytes', () => {
    const format = fc.constantFrom('png', 'jpeg', 'webp', 'bmp', 'gif');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), format, (bytes, format) => {
        expect(claimedPixels(bytes, format)).to.be.above(0);
      }),
    );
  });
});
