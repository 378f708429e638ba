import { expect } from 'chai';
import { outlierPlaces } from '../../../src/analysis/reduce/outliers.js';

describe('outliers', () => {
  const usual = [10, 11, 9, 10.5, 9.5, 10, 10, 11, 9, 10];

  it('are norms far above the others, by both conditions', () => {
    expect(outlierPlaces([...usual, 60, 10, 35])).to.deep.equal([10, 12]);
    expect(outlierPlaces(usual)).to.deep.equal([]);
    // A modified z-score of 6.7, but hardly twice the others.
    expect(outlierPlaces([...usual, 15])).to.deep.equal([]);
    // More than twice the median, but so are many.
    expect(outlierPlaces([1, 2, 3, 4, 5, 6, 7, 8, 9, 11])).to.deep.equal([]);
  });

  it('are looked for upwards alone, and found beside norms that are all equal', () => {
    expect(outlierPlaces([...usual, 0.1])).to.deep.equal([]);
    expect(outlierPlaces([5, 5, 5, 5, 10.1, 10])).to.deep.equal([4]);
  });

  it('by a rule of one’s own', () => {
    expect(outlierPlaces([...usual, 15], { score: 3.5, factor: 1.4 })).to.deep.equal([10]);
  });
});
