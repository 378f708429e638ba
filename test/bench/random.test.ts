import { expect } from 'chai';
import { normal, seedFor, uniform } from '../../src/bench/random.js';

describe('random numbers of benchmarks', () => {
  it('are the same everywhere', () => {
    // What the published mulberry32 gives for 1.
    expect(uniform(1)()).to.equal(0.6270739405881613);
    expect([...normal(4, 1)]).to.deep.equal([
      0.23955591022968292, 1.0098954439163208, 0.6316431760787964, -1.8278411626815796,
    ]);
    expect(seedFor('image.patch.weight', 1)).to.equal(-1712421983);
  });

  it('have mean 0 and deviation 1', () => {
    const values = normal(100_000, 2);
    const mean = values.reduce((total, value) => total + value, 0) / values.length;
    const square = values.reduce((total, value) => total + value * value, 0) / values.length;
    expect(mean).to.be.closeTo(0, 0.02);
    expect(square).to.be.closeTo(1, 0.02);
  });
});
