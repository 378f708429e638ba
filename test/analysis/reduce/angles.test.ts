import { expect } from 'chai';
import { angleOf } from '../../../src/analysis/reduce/angles.js';

describe('angles', () => {
  it('come from what sets unit vectors apart and what they have together', () => {
    expect(angleOf(0, 2)).to.equal(0);
    expect(angleOf(2, 0)).to.equal(180);
    expect(angleOf(Math.SQRT2, Math.SQRT2)).to.be.closeTo(90, 1e-12);
    expect(angleOf(1, Math.sqrt(3))).to.be.closeTo(60, 1e-12);
  });

  it('keep their digits where an arc cosine has lost them', () => {
    expect(angleOf(1e-9, 2)).to.be.closeTo((1e-9 * 180) / Math.PI, 1e-20);
  });
});
