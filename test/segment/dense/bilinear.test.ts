import { expect } from 'chai';
import fc from 'fast-check';
import { resizePlanes } from '../../../src/segment/dense/bilinear.js';
import { expectClose } from '../../goldens.js';

const line = Float32Array.of(0, 1, 4, 9);

describe('resizePlanes', () => {
  it('gives the numbers of torch for one line, both ways round', () => {
    const expected = [0, 0.5, 1.5, 3.5, 6.5, 9];
    expectClose(resizePlanes(line, 1, [1, 4], [1, 6]), expected, { maxAbs: 1e-6 });
    expectClose(resizePlanes(line, 1, [4, 1], [6, 1]), expected, { maxAbs: 1e-6 });
  });

  it('meets the corners when they are aligned', () => {
    expectClose(resizePlanes(line, 1, [1, 4], [1, 7], true), [0, 0.5, 1, 2.5, 4, 6.5, 9], { maxAbs: 1e-6 });
    expectClose(resizePlanes(line, 1, [1, 4], [1, 1], true), [0], { maxAbs: 0 });
  });

  it('does not antialias: halving averages the two middle samples only', () => {
    expectClose(resizePlanes(Float32Array.of(8, 1, 3, 8, 0, 4, 6, 0), 1, [1, 8], [1, 2]), [2, 5], { maxAbs: 1e-6 });
  });

  it('copies at equal size', () => {
    const copy = resizePlanes(line, 1, [2, 2], [2, 2]);
    expect(copy).to.deep.equal(line);
    expect(copy).not.to.equal(line);
  });

  it('keeps constants and planes apart at any size', () => {
    const side = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(side, side, side, side, fc.boolean(), (h, w, outH, outW, align) => {
        const planes = Float32Array.from({ length: 2 * h * w }, (_, i) => (i < h * w ? 3 : -5));
        const out = resizePlanes(planes, 2, [h, w], [outH, outW], align);
        const expected = Array.from({ length: 2 * outH * outW }, (_, i) => (i < outH * outW ? 3 : -5));
        expectClose(out, expected, { maxAbs: 1e-6 });
      }),
      { numRuns: 50 },
    );
  });
});
