import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { localOutlierFactors, outliersOf, quantile, repairMatrix } from '../../../src/segment/scclip/outliers.js';
import { expectClose, findGolden, readGolden } from '../../goldens.js';

const golden = readGolden(findGolden('dense-more/dense_more.safetensors')!);

/** Squared distances of points `[n, width]`. */
function distancesOf(points: Float32Array, n: number): Float32Array {
  const width = points.length / n;
  return Float32Array.from({ length: n * n }, (_, at) => {
    const [a, b] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let e = 0; e < width; e++) sum += (points[a * width + e]! - points[b * width + e]!) ** 2;
    return sum;
  });
}

describe('SC-CLIP: anomalous patches', () => {
  for (const [n, neighbours, contamination] of [
    [25, 8, 0.1],
    [40, 30, 0.05],
    [64, 30, 0.05],
  ] as const) {
    it(`local outlier factors of ${n} points among ${neighbours} neighbours`, () => {
      const name = `lof_alone/${n}.neighbours${neighbours}.contamination${contamination}`;
      const points = golden[`${name}.points`]!.data as Float32Array;
      const scores = localOutlierFactors(distancesOf(points, n), n, neighbours);
      expectClose(scores, golden[`${name}.scores`]!.data as Float32Array, { maxAbs: 1e-5 });
      expect(outliersOf(scores, contamination)).to.deep.equal(
        Array.from(golden[`${name}.outliers`]!.data as BigInt64Array, Number),
      );
    });
  }

  it('replaced by the mean of their neighbours', () => {
    const { data, shape } = golden['mean_interpolation_alone/map']!;
    const [, channels, rows, columns] = shape as [number, number, number, number];
    const n = rows * columns;
    const places = Array.from(golden['mean_interpolation_alone/anomalies_yx']!.data as BigInt64Array, Number);
    const outliers = Array.from({ length: places.length / 2 }, (_, i) => places[2 * i]! * columns + places[2 * i + 1]!);
    const matrix = repairMatrix({ rows, columns }, outliers);
    const repaired = Float32Array.from({ length: channels * n }, (_, at) => {
      const [channel, patch] = [Math.floor(at / n), at % n];
      let sum = 0;
      for (let j = 0; j < n; j++) sum += matrix[patch * n + j]! * (data as Float32Array)[channel * n + j]!;
      return sum;
    });
    expectClose(repaired, golden['mean_interpolation_alone/result']!.data as Float32Array, { maxAbs: 1e-6 });
  });

  it('are none among patches that are all the same, or when there are too few', () => {
    for (const n of [1, 2, 3, 9]) {
      const scores = localOutlierFactors(new Float32Array(n * n), n, 30);
      expect(outliersOf(scores, 0.05)).to.deep.equal([]);
    }
  });

  it('with fewer points than neighbours, all others are neighbours', () => {
    const distances = distancesOf(Float32Array.from([0, 1, 2, 10]), 4);
    expect([...localOutlierFactors(distances, 4, 30)]).to.deep.equal([...localOutlierFactors(distances, 4, 3)]);
    expect(outliersOf(localOutlierFactors(distances, 4, 2), 0.05)).to.deep.equal([3]);
  });

  it('an outlier among outliers stays', () => {
    expect([...repairMatrix({ rows: 1, columns: 3 }, [0, 1])]).to.deep.equal([1, 0, 0, 0, 0, 1, 0, 0, 1]);
  });

  it('quantiles lie between values', () => {
    expect(quantile(Float64Array.of(3, 1, 2), 0.5)).to.equal(2);
    expect(quantile(Float64Array.of(0, 10), 0.95)).to.be.closeTo(9.5, 1e-12);
    expect(quantile(Float64Array.of(7), 0.95)).to.equal(7);
  });

  it('refuses distances that are no square, no neighbours, and patches outside the grid', () => {
    expect(() => localOutlierFactors(new Float32Array(5), 2, 1)).to.throw(
      InputError,
      'expected 2 x 2 distances, got 5',
    );
    expect(() => localOutlierFactors(new Float32Array(4), 2, 0)).to.throw(InputError, 'neighbours');
    expect(() => repairMatrix({ rows: 2, columns: 2 }, [4])).to.throw(InputError, 'patch 4 is not one of 2 x 2');
  });
});
