import { expect } from 'chai';
import fc from 'fast-check';
import {
  argmaxAgreement,
  leastCosine,
  median,
  medianRatio,
  relativeDifference,
  sameShare,
  unitRows,
} from '../../src/bench/statistics.js';

describe('statistics of benchmarks', () => {
  it('median: the middle one, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).to.equal(5);
    expect(median([4, 1, 9, 6])).to.equal(5);
    expect(median([7])).to.equal(7);
  });

  it('median: as many values below as above, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), values => {
        const middle = median(values);
        const below = values.filter(value => value < middle).length;
        const above = values.filter(value => value > middle).length;
        expect(Math.max(below, above)).to.be.at.most(values.length / 2);
        expect(median([...values].reverse())).to.equal(middle);
      }),
    );
  });

  it('ratio: of the rounds one by one, so that a slow round falls on both', () => {
    expect(medianRatio([10, 100, 10], [20, 200, 20])).to.equal(0.5);
    // The ratio of medians would be 10 / 20.
    expect(medianRatio([10, 40, 5], [20, 10, 20])).to.equal(0.5);
    expect(medianRatio([10, 40, 50], [20, 10, 20])).to.equal(2.5);
  });

  it('share of equal values, of all or of some', () => {
    const [a, b] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 2, 0, 0)];
    expect(sameShare(a, b)).to.equal(0.5);
    expect(sameShare(a, b, 0, 2)).to.equal(1);
    expect(sameShare(a, b, 1, 4)).to.be.closeTo(1 / 3, 1e-12);
  });

  it('difference: over the largest value; infinite for other lengths and for what is no number', () => {
    const of = (a: number[], b: number[]) => relativeDifference(Float32Array.from(a), Float32Array.from(b));
    expect(of([1, 2, 3], [1, 2, 4])).to.equal(0.25);
    expect(of([1, -2], [1, 2])).to.equal(2);
    expect(of([0, 0], [0, 0])).to.equal(0);
    expect(of([1], [0])).to.equal(Number.POSITIVE_INFINITY);
    expect(of([1], [1, 2])).to.equal(Number.POSITIVE_INFINITY);
    expect(of([Number.NaN], [1])).to.equal(Number.POSITIVE_INFINITY);
  });

  it('cosine: the least of the rows', () => {
    const rows = Float32Array.of(1, 0, 3, 4);
    expect(leastCosine(rows, Float32Array.of(2, 0, 3, 4), 2)).to.equal(1);
    expect(leastCosine(rows, Float32Array.of(2, 0, 4, 3), 2)).to.be.closeTo(24 / 25, 1e-7);
    expect(leastCosine(rows, Float32Array.of(-1, 0, 3, 4), 2)).to.equal(-1);
  });

  it('rows at unit length', () => {
    expect([...unitRows(Float32Array.of(3, 4, 0, -2), 2)]).to.deep.equal([0.6, 0.8, 0, -1].map(Math.fround));
  });

  it('agreement: the share of rows that fall to the same class', () => {
    const classes = Float32Array.of(1, 0, 0, 1);
    const rows = Float32Array.of(2, 1, 1, 2, 3, 0, 0, 3);
    expect(argmaxAgreement(rows, rows, classes, 2)).to.equal(1);
    expect(argmaxAgreement(Float32Array.of(1, 2, 1, 2, 3, 0, 0, 3), rows, classes, 2)).to.equal(0.75);
  });
});
