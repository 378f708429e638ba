import { expect } from 'chai';
import { meanOf, medianOf } from '../../../src/analysis/reduce/averages.js';

describe('averages', () => {
  it('are those of a few numbers by hand', () => {
    expect(meanOf([1, 2, 6])).to.equal(3);
    expect(medianOf([9, 1, 5])).to.equal(5);
    expect(medianOf([9, -1, 5, 6])).to.equal(5.5);
    expect(medianOf(Float32Array.of(2))).to.equal(2);
  });

  it('of nothing are no numbers', () => {
    expect(meanOf([])).to.be.NaN;
    expect(medianOf([])).to.be.NaN;
  });

  it('leave what they are given in its order', () => {
    const values = Float64Array.of(3, 1, 2);
    medianOf(values);
    expect([...values]).to.deep.equal([3, 1, 2]);
  });
});
