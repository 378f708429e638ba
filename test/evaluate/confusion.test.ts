import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import { countPixels, emptyConfusion, scoresOf } from '../../src/evaluate/confusion.js';

const counted = (classes: number, truth: readonly number[], predicted: readonly number[]) => {
  const confusion = emptyConfusion(classes);
  countPixels(confusion, truth, predicted);
  return confusion;
};

describe('confusion', () => {
  it('counts pairs and scores them as mmsegmentation does', () => {
    // Class 3 is never there and never called, class 2 is called and not there; two pixels do not count.
    const truth = [0, 0, 0, 0, 1, 1, 1, 255, 255];
    const predicted = [0, 0, 1, 2, 1, 1, 0, 0, 3];
    const confusion = counted(4, truth, predicted);
    expect([...confusion.counts]).to.deep.equal([2, 1, 1, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const { mIoU, mAcc, aAcc, perClass } = scoresOf(confusion);
    expect(perClass.map(({ iou }) => iou)).to.deep.equal([2 / 5, 2 / 4, 0, Number.NaN]);
    expect(perClass.map(({ accuracy }) => accuracy)).to.deep.equal([2 / 4, 2 / 3, Number.NaN, Number.NaN]);
    expect(mIoU).to.be.closeTo((2 / 5 + 2 / 4 + 0) / 3, 1e-12);
    expect(mAcc).to.be.closeTo((2 / 4 + 2 / 3) / 2, 1e-12);
    expect(aAcc).to.be.closeTo(4 / 7, 1e-12);
  });

  it('of pictures one by one is that of all pixels, and scores stay within their bounds', () => {
    const pixel = fc.tuple(fc.constantFrom(0, 1, 2, 3, 4, 255), fc.nat(4));
    fc.assert(
      fc.property(fc.array(fc.array(pixel, { maxLength: 20 }), { minLength: 1, maxLength: 4 }), pictures => {
        const apart = emptyConfusion(5);
        for (const pixels of pictures) countPixels(apart, ...columns(pixels));
        const whole = counted(5, ...columns(pictures.flat()));
        expect([...apart.counts]).to.deep.equal([...whole.counts]);
        const counts = pictures.flat().filter(([truth]) => truth !== 255);
        const { aAcc, mIoU, perClass } = scoresOf(whole);
        const right = counts.filter(([truth, guess]) => truth === guess).length;
        if (counts.length === 0) return void expect([aAcc, mIoU]).to.deep.equal([Number.NaN, Number.NaN]);
        expect(aAcc).to.be.closeTo(right / counts.length, 1e-12);
        for (const { iou, accuracy } of perClass) {
          if (!Number.isNaN(iou)) expect(iou).to.be.within(0, 1);
          if (!Number.isNaN(accuracy)) expect(iou).to.be.at.most(accuracy);
        }
      }),
    );
  });

  it('refuses pixels without a partner and labels that are no class', () => {
    expect(() => counted(3, [0, 1], [0])).to.throw(InputError, '2 pixels have a label, 1 a prediction');
    expect(() => counted(3, [0, 3], [0, 0])).to.throw(InputError, 'from 0 to 2, got 3 as the label of pixel 1');
    expect(() => counted(3, [0, 1], [0, 7])).to.throw(InputError, 'from 0 to 2, got 7 as the prediction of pixel 1');
  });
});

const columns = (pixels: readonly (readonly [number, number])[]): [number[], number[]] => [
  pixels.map(([truth]) => truth),
  pixels.map(([, guess]) => guess),
];
