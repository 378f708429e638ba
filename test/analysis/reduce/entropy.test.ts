import { expect } from 'chai';
import { entropyOf } from '../../../src/analysis/reduce/entropy.js';

describe('entropy', () => {
  it('is 1 of equal values and 0 where one outweighs all', () => {
    expect(entropyOf({ largest: [3, 3], total: [4, 4], weighted: [0, 0] }, 8)).to.be.closeTo(1, 1e-15);
    expect(entropyOf({ largest: [1000, 3], total: [1, 4], weighted: [0, 0] }, 5)).to.equal(0);
  });

  it('is by hand that of the values 0 and log 3, as two tokens or as one', () => {
    const expected = -(0.25 * Math.log(0.25) + 0.75 * Math.log(0.75)) / Math.log(2);
    expect(entropyOf({ largest: [0, Math.log(3)], total: [1, 1], weighted: [0, 0] }, 2)).to.be.closeTo(expected, 1e-15);
    const together = { largest: [Math.log(3)], total: [1 + 1 / 3], weighted: [-Math.log(3) / 3] };
    expect(entropyOf(together, 2)).to.be.closeTo(expected, 1e-15);
  });
});
