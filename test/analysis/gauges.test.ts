import { expect } from 'chai';
import { type GaugeContext, type GaugeName, gauges } from '../../src/analysis/gauges.js';
import { angleOf } from '../../src/analysis/reduce/angles.js';
import { entropyOf } from '../../src/analysis/reduce/entropy.js';
import { uniform } from '../../src/bench/random.js';
import { type Tensor, type Tokens, tensor, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose } from '../goldens.js';

const [rows, columns, width] = [3, 5, 12] as const;
const n = rows * columns;

/** Values of either sign, the same on every run. */
function randomValues(count: number, seed: number, spread = 1): Float32Array {
  const next = uniform(seed);
  return Float32Array.from({ length: count }, () => spread * (next() - 0.4));
}

/** What a gauge gives, as numbers; without a context of their own, tokens are projected as they are. */
function gauge(name: GaugeName, values: Float32Array, shape: number[], end = values): Record<string, Float32Array> {
  return tidy(() => {
    const made = (data: Float32Array, as: number[]) => tensor(data, as) as Tensor;
    const context: GaugeContext = {
      grid: { rows, columns },
      project: tokens => tokens,
      end: made(end, shape) as Tokens,
    };
    const found = Object.entries(gauges[name](made(values, shape), context));
    return Object.fromEntries(found.map(([part, value]) => [part, value.dataSync() as Float32Array])) as never;
  });
}

const patch = (values: Float32Array, i: number) => values.subarray((i + 1) * width, (i + 2) * width);
const lengthOf = (vector: ArrayLike<number>) => Math.sqrt(Array.from(vector).reduce((sum, x) => sum + x * x, 0));

describe('gauges', () => {
  before(useEngine);
  const values = randomValues((1 + n) * width, 5, 6);
  const shape = [1, 1 + n, width];

  it('norms: the length of each patch, the class token left out', () => {
    const { norm } = gauge('norms', values, shape);
    expectClose(
      norm!,
      Array.from({ length: n }, (_, i) => lengthOf(patch(values, i))),
      { maxAbs: 0, relative: 1e-6 },
    );
    expectClose(gauge('norms', Float32Array.of(9, 9, 3, 4, 0, -2), [1, 3, 2]).norm!, [5, 2], { maxAbs: 1e-6 });
  });

  it('evenness: parts of one softmax over all patches, also where values are large', () => {
    for (const spread of [1, 6, 300]) {
      const x = randomValues((1 + n) * width, 7, spread);
      const all = Float64Array.from(x.subarray(width));
      const top = all.reduce((a, b) => Math.max(a, b));
      const weights = all.map(value => Math.exp(value - top));
      const total = weights.reduce((a, b) => a + b);
      const expected =
        -weights.reduce((sum, weight) => sum + (weight > 0 ? (weight / total) * Math.log(weight / total) : 0), 0) /
        Math.log(all.length);
      const { largest, total: totals, weighted } = gauge('evenness', x, shape);
      const found = entropyOf({ largest: largest!, total: totals!, weighted: weighted! }, all.length);
      expect(found, `spread ${spread}`).to.be.closeTo(expected, 3e-6);
    }
  });

  it('channels: sums, sums of squares and ends of each channel', () => {
    const found = gauge('channels', values, shape);
    const column = (c: number) => Array.from({ length: n }, (_, i) => patch(values, i)[c]!);
    const each = (of: (values: number[]) => number) => Array.from({ length: width }, (_, c) => of(column(c)));
    expectClose(
      found.sum!,
      each(all => all.reduce((a, b) => a + b)),
      { maxAbs: 1e-5 },
    );
    expectClose(
      found.squares!,
      each(all => all.reduce((sum, x) => sum + x * x, 0)),
      { maxAbs: 0, relative: 1e-6 },
    );
    expectClose(
      found.highest!,
      each(all => Math.max(...all)),
      { maxAbs: 0 },
    );
    expectClose(
      found.lowest!,
      each(all => Math.min(...all)),
      { maxAbs: 0 },
    );
  });

  it("angles: each token's to the final class feature, 0 to itself and 180 to its opposite", () => {
    const end = randomValues((1 + n) * width, 11);
    const { apart, together } = gauge('angles', values, shape, end);
    const final = end.subarray(0, width);
    const expected = Array.from({ length: 1 + n }, (_, i) => {
      const token = values.subarray(i * width, (i + 1) * width);
      const dot = Array.from(token).reduce((sum, x, c) => sum + x * final[c]!, 0);
      return (Math.acos(dot / (lengthOf(token) * lengthOf(final))) * 180) / Math.PI;
    });
    expectClose(
      Array.from(apart!, (length, i) => angleOf(length, together![i]!)),
      expected,
      { maxAbs: 1e-4 },
    );

    const own = end.slice();
    for (let c = 0; c < width; c++) [own[width + c], own[2 * width + c]] = [-own[c]!, 3 * own[c]!];
    const known = gauge('angles', own, shape, own);
    const angle = (token: number) => angleOf(known.apart![token]!, known.together![token]!);
    expect(angle(0)).to.equal(0);
    expect(angle(1)).to.equal(180);
    expect(angle(2)).to.be.closeTo(0, 1e-4);
  });

  it('heads: distance, entropy and the class token, against loops', () => {
    const tokens = 1 + n;
    const pattern = randomValues(2 * tokens * tokens, 13).map(Math.abs);
    for (let row = 0; row < 2 * tokens; row++) {
      const of = pattern.subarray(row * tokens, (row + 1) * tokens);
      const total = of.reduce((a, b) => a + b);
      // The second head's rows add up to 2, as CSA's do.
      of.forEach((weight, i) => {
        of[i] = ((row < tokens ? 1 : 2) * weight) / total;
      });
    }
    const expected = [0, 1].map(h => {
      const sums = { distance: 0, entropy: 0, classToken: 0 };
      for (let i = 0; i < n; i++) {
        const row = Float64Array.from(pattern.subarray((h * tokens + i + 1) * tokens, (h * tokens + i + 2) * tokens));
        const total = row.reduce((a, b) => a + b);
        sums.classToken += row[0]! / total / n;
        for (let j = 0; j < tokens; j++) {
          const p = row[j]! / total;
          if (p > 0) sums.entropy -= (p * Math.log(p)) / Math.log(tokens) / n;
          if (j === 0) continue;
          const [dy, dx] = [
            Math.floor(i / columns) - Math.floor((j - 1) / columns),
            (i % columns) - ((j - 1) % columns),
          ];
          sums.distance += ((row[j]! / (total - row[0]!)) * Math.sqrt(dy * dy + dx * dx)) / n;
        }
      }
      return sums;
    });
    const found = gauge('heads', pattern, [1, 2, tokens, tokens]);
    for (const part of ['distance', 'entropy', 'classToken'] as const) {
      expectClose(
        found[part]!,
        expected.map(sums => sums[part]),
        { maxAbs: 2e-6 },
        { name: part },
      );
    }
  });

  it('heads: by hand, for a head that looks at itself alone, one that looks everywhere and one at the class token', () => {
    const tokens = 1 + n;
    const self = Array.from({ length: tokens * tokens }, (_, i) => (i % (tokens + 1) === 0 ? 1 : 0));
    const even = Array(tokens * tokens).fill(1 / tokens);
    const first = Array.from({ length: tokens * tokens }, (_, i) => (i % tokens === 0 ? 1 : 0));
    const found = gauge('heads', Float32Array.from([...self, ...even, ...first]), [1, 3, tokens, tokens]);
    expectClose(found.entropy!, [0, 1, 0], { maxAbs: 1e-6 });
    expectClose(found.classToken!, [0, 1 / tokens, 1], { maxAbs: 1e-6 });
    expect(found.distance![0]).to.equal(0);
    expect(found.distance![2], 'no attention to any patch').to.equal(0);
  });

  it('leave no tensors behind', () =>
    withoutLeak(() => {
      gauge('evenness', values, shape);
      gauge('angles', values, shape);
    }));
});
