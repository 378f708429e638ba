import { expect } from 'chai';
import type { Attention, AttentionInput, Grid } from '../../src/attention/attention.js';
import { attentions } from '../../src/attention/index.js';
import { qk } from '../../src/attention/qk.js';
import { windowed } from '../../src/attention/windowed.js';
import { InputError } from '../../src/errors.js';
import { compile } from '../../src/tensor/compile.js';
import { enableGradients } from '../../src/tensor/gradients.js';
import { lossAndGradients } from '../../src/tensor/lossAndGradients.js';
import {
  type Heads,
  mul,
  type Pixels,
  sum,
  type Tensor,
  tensor,
  tensor3d,
  tensor4d,
  tidy,
} from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose } from '../goldens.js';
import { madeUpImage, tinyClip } from '../model/tiny.js';

const [b, h, d] = [2, 2, 4];
const scale = 1 / Math.sqrt(d);

const made = (seed: number, n: number) =>
  Float32Array.from({ length: b * h * n * d }, (_, i) => 1.5 * Math.sin(seed * (1 + i * 1.7)));

/** The input of an attention over a grid, with other values for some. */
function inputOf(grid: Grid, given: Partial<AttentionInput> = {}): AttentionInput {
  const n = 1 + grid.rows * grid.columns;
  const [q, k, v] = [0.7, 1.1, 1.9].map(seed => tensor4d(made(seed, n), [b, h, n, d])) as [Heads, Heads, Heads];
  const input = tensor3d(made(0.3, n), [b, n, h * d]);
  return { q, k, v, scale, input, grid, point: (_, value) => value, ...given };
}

/** The same by plain loops: each query over the keys that it may look at, the class token over window after window. */
function expected({ rows, columns }: Grid, size: number): Float64Array {
  const n = 1 + rows * columns;
  const [q, k, v] = [0.7, 1.1, 1.9].map(seed => made(seed, n)) as [Float32Array, Float32Array, Float32Array];
  const windowOf = (token: number) =>
    `${Math.floor(Math.floor((token - 1) / columns) / size)},${Math.floor(((token - 1) % columns) / size)}`;
  const tokens = Array.from({ length: n - 1 }, (_, i) => i + 1);
  const windows = [...new Set(tokens.map(windowOf))].map(name => [
    0,
    ...tokens.filter(token => windowOf(token) === name),
  ]);
  const out = new Float64Array(b * h * n * d);
  const look = (start: number, query: number, keys: number[], share: number) => {
    const row = (x: Float32Array, token: number) => x.subarray(start + token * d, start + (token + 1) * d);
    const weights = keys.map(key => {
      const other = row(k, key);
      return Math.exp(scale * row(q, query).reduce((total, x, i) => total + x * other[i]!, 0));
    });
    const total = weights.reduce((a, c) => a + c);
    keys.forEach((key, i) => {
      for (let c = 0; c < d; c++) out[start + query * d + c]! += (share * weights[i]! * row(v, key)[c]!) / total;
    });
  };
  for (let head = 0; head < b * h; head++) {
    for (const window of windows) {
      for (const token of window) look(head * n * d, token, window, token === 0 ? 1 / windows.length : 1);
    }
  }
  return out;
}

describe('windowed attention', () => {
  before(useEngine);
  before(() => enableGradients());

  const cases: [string, Grid, number][] = [
    ['whole windows', { rows: 4, columns: 6 }, 2],
    ['windows cut at right and bottom', { rows: 5, columns: 7 }, 3],
    ['windows cut at the right', { rows: 4, columns: 5 }, 2],
    ['one row of windows, lower than they might be', { rows: 2, columns: 8 }, 4],
    ['windows of one patch', { rows: 2, columns: 3 }, 1],
  ];
  for (const [what, grid, size] of cases) {
    it(`${what} are attention over what a token may look at`, () =>
      withoutLeak(() =>
        tidy(() => {
          const z = windowed({ size })(inputOf(grid));
          expect(z.shape).to.deep.equal([b, h, 1 + grid.rows * grid.columns, d]);
          expectClose(z.dataSync(), expected(grid, size), { maxAbs: 2e-6 }, { shape: z.shape });
        }),
      ));
  }

  for (const [name, attention] of Object.entries(attentions) as [string, Attention][]) {
    it(`${name} itself where one window covers the grid`, () =>
      tidy(() => {
        const input = inputOf({ rows: 3, columns: 4 });
        const z = windowed({ size: 4, attention })(input);
        expectClose(z.dataSync(), attention(input).dataSync(), { maxAbs: 0 });
      }));

    it(`${name} inside a window is what it is on that window alone`, () =>
      tidy(() => {
        // Two windows side by side; the patches of the first are cut out by hand.
        const [grid, one] = [
          { rows: 2, columns: 4 },
          { rows: 2, columns: 2 },
        ];
        const own = [0, 1, 2, 5, 6];
        const pick = ({ shape: [, , n], ...x }: { shape: number[]; data: Float32Array }) =>
          tensor4d(
            Array.from({ length: b * h }, (_, head) =>
              own.flatMap(token => [...x.data.subarray((head * n! + token) * d, (head * n! + token + 1) * d)]),
            ).flat(),
            [b, h, own.length, d],
          );
        const picked = (x: Heads) => pick({ shape: x.shape, data: x.dataSync() as Float32Array });
        const input = inputOf(grid);
        const alone = attention({
          ...input,
          q: picked(input.q),
          k: picked(input.k),
          v: picked(input.v),
          grid: one,
        });
        const z = picked(windowed({ size: 2, attention })(input));
        // The class token has looked at both.
        const patches = (x: Heads) => x.dataSync().filter((_, i) => Math.floor(i / d) % own.length > 0);
        expectClose(patches(z), patches(alone), { maxAbs: 2e-6 });
      }));
  }

  it('has the gradient of finite differences, over padding too', () =>
    withoutLeak(() =>
      tidy(() => {
        const grid = { rows: 3, columns: 4 };
        const shape: [number, number, number, number] = [b, h, 13, d];
        const upstream = tensor4d(made(0.9, 13), shape);
        const start = { q: made(0.7, 13), k: made(1.1, 13), v: made(1.9, 13) };
        const lossOf = (given: Partial<AttentionInput>) =>
          sum(mul(windowed({ size: 2 })(inputOf(grid, given)), upstream));
        const at = (values: typeof start) => ({
          q: tensor4d(values.q, shape),
          k: tensor4d(values.k, shape),
          v: tensor4d(values.v, shape),
        });
        const { gradients } = lossAndGradients(lossOf, at(start));
        const step = 1e-2;
        for (const name of ['q', 'k', 'v'] as const) {
          const actual = gradients[name].dataSync<'float32'>();
          for (const i of [0, 5, 21, 50, 51, 70, 103, 155, 207]) {
            const moved = (by: number) => {
              const values = { ...start, [name]: start[name].slice() };
              values[name][i]! += by;
              return tidy(() => lossOf(at(values)).dataSync<'float32'>()[0]!);
            };
            expect(actual[i], `${name} ${i}`).to.be.closeTo((moved(step) - moved(-step)) / (2 * step), 5e-3);
          }
          expect(Math.max(...actual), name).to.be.greaterThan(0.1);
        }
      }),
    ));

  it('compiles with its batch free, and so does its gradient', async () => {
    const grid = { rows: 3, columns: 4 };
    const upstream = made(0.9, 13);
    const over = (q: Tensor, k: Tensor, v: Tensor) =>
      windowed({ size: 2 })(inputOf(grid, { q: q as Heads, k: k as Heads, v: v as Heads }));
    const gradient = (q: Tensor, k: Tensor, v: Tensor) =>
      lossAndGradients(of => sum(mul(over(of.q, of.k, of.v), tensor4d(upstream.slice(0, h * 13 * d), [1, h, 13, d]))), {
        q,
        k,
        v,
      }).gradients.q;
    for (const fn of [over, gradient]) {
      const fast = await compile(fn, [0, 1, 2].map(() => ({ shape: ['batch', h, 13, d] })) as never);
      for (const count of [1, b]) {
        const shape = [count, h, 13, d];
        const given = [0.7, 1.1, 1.9].map(seed => made(seed, 13).slice(0, count * h * 13 * d));
        const run = fast as unknown as (...values: object[]) => Promise<{ data: Float32Array }>;
        const { data } = await run(...given.map(values => ({ data: values, shape })));
        const eager = tidy(() => {
          const [q, k, v] = given.map(values => tensor(values, shape)) as [Tensor, Tensor, Tensor];
          return fn(q, k, v).dataSync<'float32'>();
        });
        expectClose(data, eager, { maxAbs: 2e-6 });
      }
      await fast.dispose();
    }
  });

  it('compiles in the blocks of a model', async () => {
    const clip = tinyClip();
    const blocks = Object.fromEntries([0, 1, 3].map(i => [i, { attention: windowed({ size: 2 }) }]));
    const pixels = madeUpImage(80, 64);
    const dense = (of: Pixels) => clip.image(of, { blocks, positions: 'exact' }).tokens;
    const fast = await compile(dense, [{ shape: [1, 3, 80, 64] }]);
    const out = await fast({ data: pixels.dataSync(), shape: pixels.shape });
    const eager = tidy(() => dense(pixels).dataSync());
    expectClose(out.data as Float32Array, eager, { maxAbs: 2e-4 });
    await fast.dispose();
    pixels.dispose();
    clip.dispose();
  });

  it('names its pattern where one window covers the grid, and only there', () =>
    tidy(() => {
      const clip = tinyClip();
      const pixels = madeUpImage(64, 64);
      const last = { attention: windowed({ size: 2 }) };
      const see = ['blocks.3.attn.pattern'];
      expect(() => clip.image(pixels, { last, see })).to.throw(InputError, /blocks\.3\.attn\.pattern/);
      const whole = clip.image(pixels, { last: { attention: windowed({ size: 4 }) }, see });
      expectClose(whole.tokens.dataSync(), clip.image(pixels).tokens.dataSync(), { maxAbs: 0 });
      expect(Object.values(whole.seen)[0]!.shape).to.deep.equal([1, clip.config.image!.heads, 17, 17]);
      clip.dispose();
    }));

  it('refuses sizes that are none, the text tower, and masks over all tokens', () =>
    tidy(() => {
      for (const size of [0, -1, 2.5, Number.NaN]) {
        expect(() => windowed({ size })).to.throw(InputError, `size of 1 patch or more, got ${size}`);
      }
      const { grid: _, ...text } = inputOf({ rows: 2, columns: 2 });
      expect(() => windowed({ size: 2 })(text)).to.throw(InputError, /text tower has none/);
      const mask = tensor4d(new Float32Array(25), [1, 1, 5, 5]);
      const masked = inputOf({ rows: 2, columns: 2 }, { mask });
      expect(() => windowed({ size: 1 })(masked)).to.throw(InputError, /^windowed: expected no mask/);
      expectClose(windowed({ size: 2 })(masked).dataSync(), qk(masked).dataSync(), { maxAbs: 0 });
    }));
});
