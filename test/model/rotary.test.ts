import { expect } from 'chai';
import fc from 'fast-check';
import { rotaryOf, rotate } from '../../src/model/rotary.js';
import { headProduct } from '../../src/tensor/ops/heads.js';
import { type Heads, tensor4d, tidy, tile } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose } from '../goldens.js';

const [heads, width] = [2, 8];

/** One vector a head, the same at each token. */
const everywhere = (values: number[], tokens: number): Heads =>
  tile(tensor4d(values, [1, heads, 1, width]), [1, 1, tokens, 1]);

const vector = fc.array(fc.float({ min: -2, max: 2, noNaN: true }), {
  minLength: heads * width,
  maxLength: heads * width,
});
const side = fc.integer({ min: 1, max: 5 });

describe('rotary positions', () => {
  before(useEngine);

  it('turn the first half of a head’s channels by rows, the second by columns, the class token not at all', () =>
    withoutLeak(() =>
      tidy(() => {
        const { cos, sin } = rotaryOf({ rows: 2, columns: 4 }, width, 16);
        // Row 1 of 2 is at 8, column 3 of 4 at 12; the second pair of four turns by a hundredth.
        const angles = [8, 8, 0.08, 0.08, 12, 12, 0.12, 0.12];
        const patch = 1 + 4 + 3;
        const rowOf = (values: Float32Array, token: number) => values.subarray(token * width, (token + 1) * width);
        expectClose(rowOf(cos.dataSync<'float32'>(), patch), angles.map(Math.cos), { maxAbs: 1e-6 });
        const signed = angles.map((angle, i) => (i % 2 === 0 ? -1 : 1) * Math.sin(angle));
        expectClose(rowOf(sin.dataSync<'float32'>(), patch), signed, { maxAbs: 1e-6 });
        expect([...rowOf(cos.dataSync<'float32'>(), 0)]).to.deep.equal(new Array(width).fill(1));
        expect([...rowOf(sin.dataSync<'float32'>(), 0)]).to.deep.equal(new Array(width).fill(0));
        const values = Array.from({ length: heads * width }, (_, i) => i + 1);
        const turned = rotate(everywhere(values, 9), { cos, sin }).dataSync<'float32'>();
        const [a, b] = [9, 10];
        const at = (9 + patch) * width;
        expect(turned[at]).to.be.closeTo(a * Math.cos(8) - b * Math.sin(8), 1e-5);
        expect(turned[at + 1]).to.be.closeTo(b * Math.cos(8) + a * Math.sin(8), 1e-5);
        expect([...turned.subarray(0, width)]).to.deep.equal(values.slice(0, width));
      }),
    ));

  it('keep lengths, and leave of two patches’ places only how far they are apart, on any grid', () =>
    withoutLeak(() => {
      fc.assert(
        fc.property(vector, vector, side, side, (query, key, rows, columns) =>
          tidy(() => {
            const n = rows * columns;
            const rotary = rotaryOf({ rows, columns }, width, 16);
            const [q, k] = [query, key].map(values => rotate(everywhere(values, 1 + n), rotary)) as [Heads, Heads];
            const products = headProduct(q, k, true).dataSync<'float32'>();
            const lengths = headProduct(q, q, true).dataSync<'float32'>();
            const first = new Map<string, number>();
            for (let head = 0; head < heads; head++) {
              for (let from = 0; from < n; from++) {
                const length = (token: number) => lengths[(head * (1 + n) + token) * (1 + n) + token]!;
                expect(length(1 + from)).to.be.closeTo(length(0), 1e-4);
                for (let to = 0; to < n; to++) {
                  const down = Math.floor(to / columns) - Math.floor(from / columns);
                  const apart = `${head} ${down} ${(to % columns) - (from % columns)}`;
                  const product = products[(head * (1 + n) + 1 + from) * (1 + n) + 1 + to]!;
                  if (!first.has(apart)) first.set(apart, product);
                  expect(product, apart).to.be.closeTo(first.get(apart)!, 2e-4);
                }
              }
            }
          }),
        ),
        { numRuns: 40 },
      );
    }));
});
