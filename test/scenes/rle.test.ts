import { expect } from 'chai';
import fc from 'fast-check';
import { runLengths } from '../../src/scenes/rle.js';
import { decodeRunLengths } from './layouts/readers.js';

describe('runLengths', () => {
  const encoded = (width: number, mask: ArrayLike<number>) =>
    runLengths(width, mask.length / width, i => mask[i] === 1);

  it("are COCO's for masks worked out by hand", () => {
    // Runs 6; 0 4; 1 2 1; and 2 1 3 1 1 with 1 - 1 = 0 as the fourth's difference and 1 - 3 as the fifth's.
    expect(encoded(2, [0, 0, 0, 0, 0, 0])).to.equal('6');
    expect(encoded(2, [1, 1, 1, 1])).to.equal('04');
    expect(encoded(2, [0, 1, 1, 0])).to.equal('121');
    expect(encoded(2, [0, 0, 0, 0, 1, 1, 0, 0])).to.equal('2130N');
    // 100 is 4 + 3 x 32, whose first group says that more follow.
    expect(encoded(1, new Uint8Array(100))).to.equal('T3');
    expect(encoded(1, [...new Uint8Array(16)])).to.equal('`0');
  });

  it('decode to the mask', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (width, height, share, numbers) => {
          const mask = Uint8Array.from({ length: width * height }, () => Number(numbers.next().value < share));
          expect(decodeRunLengths({ size: [height, width], counts: encoded(width, mask) })).to.deep.equal(mask);
        },
      ),
    );
  });
});
