import { expect } from 'chai';
import type { Attention, AttentionInput } from '../../src/attention/attention.js';
import { gem } from '../../src/attention/gem.js';
import { attentionByName, attentions } from '../../src/attention/index.js';
import { gaussianNeighbourhood, naclip } from '../../src/attention/naclip.js';
import { mix, scores, softmax } from '../../src/attention/parts.js';
import { InputError } from '../../src/errors.js';
import { type Heads, mul, type Tensor, tensor2d, tensor3d, tensor4d, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose } from '../goldens.js';

/** Plain loops in double precision, to hold the tensor code against: one head `[n][d]`. */
type Matrix = number[][];
const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const scoresOf = (a: Matrix, b: Matrix, scale: number, extra?: Matrix): Matrix =>
  a.map((row, i) => b.map((other, j) => dot(row, other) * scale + (extra?.[i]?.[j] ?? 0)));
const softmaxOf = (s: Matrix): Matrix =>
  s.map(row => {
    const top = Math.max(...row);
    const e = row.map(x => Math.exp(x - top));
    const total = e.reduce((a, b) => a + b, 0);
    return e.map(x => x / total);
  });
const mixOf = (p: Matrix, v: Matrix): Matrix =>
  p.map(row =>
    v[0]!.map((_, c) =>
      dot(
        row,
        v.map(token => token[c]!),
      ),
    ),
  );
const unit = (m: Matrix): Matrix => m.map(row => row.map(x => x / Math.hypot(...row)));
const sumOf = (...ms: Matrix[]): Matrix =>
  ms[0]!.map((row, i) => row.map((_, j) => ms.reduce((t, m) => t + m[i]![j]!, 0)));

const [heads, n, d] = [2, 7, 4];
const grid = { rows: 2, columns: 3 };
const made = (seed: number): Matrix[] =>
  Array.from({ length: heads }, (_, h) =>
    Array.from({ length: n }, (_, i) =>
      Array.from({ length: d }, (_, c) => 1.5 * Math.sin(seed * (1 + h * 91 + i * 13 + c * 5))),
    ),
  );
const [q, k, v] = [made(0.7), made(1.1), made(1.9)];
const tokens = Array.from({ length: n }, (_, i) =>
  Array.from({ length: heads * d }, (_, c) => Math.cos(0.3 * (i * 8 + c))),
);
const causal: Matrix = Array.from({ length: n }, (_, i) =>
  Array.from({ length: n }, (_, j) => (j > i ? -Infinity : 0)),
);

describe('attentions against plain loops', () => {
  before(useEngine);
  const scale = 1 / Math.sqrt(d);
  const inHeads = (m: Matrix[]) => tensor4d(m.flat(2), [1, heads, n, d]);
  const input = (more: Partial<AttentionInput> = {}): AttentionInput => ({
    q: inHeads(q),
    k: inHeads(k),
    v: inHeads(v),
    scale,
    input: tensor3d(tokens.flat(), [1, n, heads * d]),
    grid,
    point: (_, value) => value,
    ...more,
  });

  function check(name: string, attention: Attention, expected: (h: number) => Matrix, masked = false) {
    it(name, () =>
      withoutLeak(() =>
        tidy(() => {
          const mask = masked ? { mask: tensor2d(causal.flat(), [n, n]) } : {};
          const actual = attention(input(mask));
          expect(actual.shape).to.deep.equal([1, heads, n, d]);
          const values = Array.from({ length: heads }, (_, h) => expected(h)).flat(2);
          expectClose(actual.dataSync(), values, { maxAbs: 2e-6 }, { name, shape: actual.shape });
        }),
      ),
    );
  }

  const pairs = { qk: [q, k], qq: [q, q], kk: [k, k], vv: [v, v] } as const;
  for (const [name, [a, b]] of Object.entries(pairs)) {
    check(name, attentions[name]!, h => mixOf(softmaxOf(scoresOf(a[h]!, b[h]!, scale)), v[h]!));
    check(
      `${name}, causal`,
      attentions[name]!,
      h => mixOf(softmaxOf(scoresOf(a[h]!, b[h]!, scale, causal)), v[h]!),
      true,
    );
  }
  const csaPattern = (h: number, extra?: Matrix) =>
    sumOf(...[q, k].map(x => softmaxOf(scoresOf(x[h]!, x[h]!, scale, extra))));
  check('csa', attentions.csa!, h => mixOf(csaPattern(h), v[h]!));
  check('csa, causal', attentions.csa!, h => mixOf(csaPattern(h, causal), v[h]!), true);
  check('identity', attentions.identity!, h => v[h]!);

  const gemPattern = (h: number, t: number, iterations: number, normal: (m: Matrix) => Matrix) => {
    const each = [v, k, q].map(x => {
      let p = normal(x[h]!);
      for (let i = 0; i < iterations; i++) p = normal(mixOf(softmaxOf(scoresOf(p, p, t)), p));
      return softmaxOf(scoresOf(p, p, t));
    });
    return sumOf(...each).map(row => row.map(x => x / 3));
  };
  const meanLength = tokens.reduce((sum, token) => sum + Math.hypot(...token), 0) / n;
  for (const iterations of [0, 1, 3]) {
    check(`gem, ${iterations} iterations`, gem({ iterations }), h =>
      mixOf(gemPattern(h, meanLength * scale, iterations, unit), v[h]!),
    );
  }
  check('gem without normalisation', gem({ normalise: false, temperature: 0.4 }), h =>
    mixOf(
      gemPattern(h, 0.4, 1, m => m),
      v[h]!,
    ),
  );

  const omega = (sigma: number): Matrix =>
    Array.from({ length: n }, (_, a) =>
      Array.from({ length: n }, (_, b) => {
        if (a === 0 || b === 0) return 0;
        const [dy, dx] = [Math.floor((a - 1) / 3) - Math.floor((b - 1) / 3), ((a - 1) % 3) - ((b - 1) % 3)];
        return Math.exp(-(dy ** 2 + dx ** 2) / (2 * sigma ** 2));
      }),
    );
  for (const sigma of [0.5, 5]) {
    check(`naclip, sigma ${sigma}`, naclip({ sigma }), h =>
      mixOf(softmaxOf(scoresOf(k[h]!, k[h]!, scale, omega(sigma))), v[h]!),
    );
    const length = (m: Matrix[]) => m.map(head => head.reduce((sum, row) => sum + Math.hypot(...row), 0) / n);
    const pairLength = (length(q).reduce((sum, x, h) => sum + x * length(k)[h]!, 0) / heads) * scale;
    check(`naclip by nearness alone, sigma ${sigma}`, naclip({ sigma, similarity: 'none' }), h =>
      mixOf(softmaxOf(omega(sigma).map(row => row.map(x => x * pairLength))), v[h]!),
    );
  }
  check('naclip, sigma towards 0: the identity on patches beside the keys', naclip({ sigma: 1e-3 }), h => {
    const eye = omega(1).map((row, i) => row.map((_, j) => (i === j && i > 0 ? 1 : 0)));
    return mixOf(softmaxOf(scoresOf(k[h]!, k[h]!, scale, eye)), v[h]!);
  });
  check(
    'naclip, sigma towards infinity: one more among patches, not against the class token',
    naclip({ sigma: 1e6 }),
    h => {
      const flat = omega(1).map((row, i) => row.map((_, j) => (i > 0 && j > 0 ? 1 : 0)));
      return mixOf(softmaxOf(scoresOf(k[h]!, k[h]!, scale, flat)), v[h]!);
    },
  );

  it('the steps: scores, softmax, mix', () =>
    withoutLeak(() =>
      tidy(() => {
        const all = (m: Matrix[]) => m.flat(2);
        const [a, b] = [inHeads(q), inHeads(k)];
        const expected = q.map((_, h) => scoresOf(q[h]!, k[h]!, 3));
        expectClose(scores(a, b, 3).dataSync(), all(expected), { maxAbs: 1e-5 });
        const masked = scores(a, b, 3, tensor2d(causal.flat(), [n, n]));
        expectClose(masked.dataSync(), all(q.map((_, h) => scoresOf(q[h]!, k[h]!, 3, causal))), { maxAbs: 1e-5 });
        expectClose(softmax(masked).dataSync(), all(q.map((_, h) => softmaxOf(scoresOf(q[h]!, k[h]!, 3, causal)))), {
          maxAbs: 1e-6,
        });
        const pattern = softmax(scores(a, b, 3));
        expectClose(mix(pattern, inHeads(v)).dataSync(), all(expected.map((s, h) => mixOf(softmaxOf(s), v[h]!))), {
          maxAbs: 1e-5,
        });
      }),
    ));

  it('name scores and pattern, and go on with what the point gives back', () =>
    withoutLeak(() =>
      tidy(() => {
        const named: Record<string, string[]> = {};
        for (const [name, attention] of Object.entries(attentions)) {
          const names: string[] = [];
          const point = (<T extends Heads>(at: string, value: T) => {
            names.push(at);
            expect((value as Tensor).shape).to.deep.equal([1, heads, n, n]);
            return at === 'pattern' ? mul(value, 0) : value;
          }) as AttentionInput['point'];
          const out = attention(input({ point }));
          if (name !== 'identity')
            expect(
              out.dataSync().every(x => x === 0),
              name,
            ).to.equal(true);
          named[name] = names;
        }
        const plain = ['scores', 'pattern'];
        expect(named).to.deep.equal({
          qk: plain,
          qq: plain,
          kk: plain,
          vv: plain,
          csa: ['pattern'],
          identity: [],
          gem: ['pattern'],
          naclip: plain,
        });
      }),
    ));
});

describe('attention settings', () => {
  before(useEngine);

  it('give the weights of NACLIP’s neighbourhood', () =>
    withoutLeak(() =>
      tidy(() => {
        // Squared distances 0, 1, 2, 4, 5, 25, 338 at sigma 5, computed elsewhere.
        const omega = gaussianNeighbourhood({ rows: 14, columns: 14 }, 5).dataSync();
        const at = (row: number, column: number) => omega[197 * 1 + 1 + row * 14 + column]!;
        const found = [at(0, 0), at(0, 1), at(1, 1), at(2, 0), at(1, 2), at(3, 4), at(13, 13)];
        expectClose(found, [1, 0.980199, 0.960789, 0.923116, 0.904837, 0.606531, 0.001159], { maxAbs: 1e-6 });
        expect(Array.from({ length: 197 }, (_, i) => omega[i]! + omega[197 * i]!)).to.deep.equal(
          new Array(197).fill(0),
        );
      }),
    ));

  it('out of range are refused', () => {
    for (const sigma of [0, -1, Number.NaN]) {
      expect(() => naclip({ sigma })).to.throw(InputError, `naclip: expected sigma > 0 patches, got ${sigma}`);
    }
    for (const iterations of [-1, 0.5, Number.NaN]) {
      expect(() => gem({ iterations })).to.throw(InputError, 'gem: expected a whole number of iterations from 0 up');
    }
  });

  it('by name are found, or refused with the nearest', () => {
    for (const [name, attention] of Object.entries(attentions)) expect(attentionByName(name)).to.equal(attention);
    expect(() => attentionByName('nacilp')).to.throw(InputError, "unknown attention 'nacilp'; did you mean naclip?");
    expect(() => attentionByName('xx')).to.throw(InputError, 'qk');
    for (const name of ['toString', '__proto__', '']) expect(() => attentionByName(name)).to.throw(InputError);
  });
});
