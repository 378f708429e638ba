/** Attention whose heads lie otherwise than in `[batch, token, head, width]`, which must not be taken for it. */
import { expect } from 'chai';
import { compile } from '../../../src/tensor/compile.js';
import { headProduct, mergeHeads, splitHeads } from '../../../src/tensor/ops/heads.js';
import { linear } from '../../../src/tensor/ops/linear.js';
import {
  dispose,
  type Heads,
  type Linear,
  mul,
  reshape,
  slice,
  softmax,
  type Tensor,
  type Tensor4D,
  type Tokens,
  tensor,
  transpose,
} from '../../../src/tensor/tfjs.js';
import { useEngine } from '../../engine.js';
import { expectClose } from '../../goldens.js';
import { noise } from './graphs.js';

const [tokens, heads, size, width] = [6, 2, 3, 4];
const inner = heads * size;
const maps = ['q', 'k', 'v', 'k2', 'v2'] as const;
type Maps = Record<(typeof maps)[number], Linear>;

const attend = (q: Heads, k: Heads, v: Heads) => headProduct(softmax(headProduct(mul(q, 0.3), k, true)), v);

/** `[b, n, h, d]` of anything, with heads first. */
const inHeads = (x: Tensor, b: number, n: number): Heads =>
  transpose(reshape<Tensor4D>(x, [b, n, heads, size]), [0, 2, 1, 3]);

type Layout = (x: Tokens, maps: Maps, queries: number) => Tensor;

const firstOf = (x: Tokens, { q }: Maps, queries: number) =>
  splitHeads(linear(slice(x, [0, 0, 0], [-1, queries, -1]), q), heads);

const plain: Layout = (x, maps, queries) =>
  attend(firstOf(x, maps, queries), splitHeads(linear(x, maps.k), heads), splitHeads(linear(x, maps.v), heads));

const layouts: Record<string, Layout> = {
  'two keys and two values from each token': (x, maps, queries) => {
    const twice = (map: Linear) => inHeads(linear(x, map), x.shape[0], 2 * tokens);
    return mergeHeads(attend(firstOf(x, maps, queries), twice(maps.k2), twice(maps.v2)));
  },
  'windows of tokens as a batch': (x, { q, k, v }, queries) => {
    const windows = 2 * x.shape[0];
    const some = linear(slice(x, [0, 0, 0], [-1, 2 * queries, -1]), q);
    const [keys, values] = [k, v].map(map => inHeads(linear(x, map), windows, tokens / 2)) as [Heads, Heads];
    return mergeHeads(attend(inHeads(some, windows, queries), keys, values));
  },
  'all images in one row of tokens while keys and values are made': (x, maps, queries) => {
    const row = reshape<Tokens>(x, [1, x.shape[0] * tokens, width]);
    const of = (map: Linear) => inHeads(linear(row, map), x.shape[0], tokens);
    return mergeHeads(attend(firstOf(x, maps, queries), of(maps.k), of(maps.v)));
  },
  'heads merged into tokens': (x, maps, queries) =>
    reshape(transpose(plain(x, maps, queries), [0, 2, 1, 3]), [x.shape[0], queries * heads, size]),
  'images merged into tokens': (x, maps, queries) =>
    reshape(transpose(plain(x, maps, queries), [0, 2, 1, 3]), [1, x.shape[0] * queries, inner]),
};

describe('attention in other layouts', () => {
  let weights: Maps;
  before(useEngine);
  before(() => {
    const random = (shape: number[], seed: number) => tensor(noise(shape, seed).data as Float32Array, shape);
    const map = (out: number, seed: number) => ({ weight: random([width, out], seed), bias: random([out], seed + 1) });
    const made = maps.map((name, i) => [name, map(name.endsWith('2') ? 2 * inner : inner, 2 * i + 1)]);
    weights = Object.fromEntries(made);
  });
  after(() => dispose(Object.values(weights).flatMap(map => Object.values(map))));

  for (const [name, layout] of Object.entries(layouts)) {
    for (const queries of [1, 3]) {
      it(`${name}: ${queries} of the queries`, async () => {
        const fn = (x: Tokens) => layout(x, weights, queries);
        for (const [size, batch] of [
          ['batch', 2],
          ['batch', 1],
          [2, 2],
          [1, 1],
        ] as const) {
          const fast = await compile(fn, [{ shape: [size, tokens, width] }]);
          const values = noise([batch, tokens, width], 9);
          const x = tensor(values.data as Float32Array, [batch, tokens, width]) as Tokens;
          const eager = fn(x);
          const { data, shape } = (await fast(values)) as typeof values;
          expect(shape).to.deep.equal(eager.shape);
          expectClose(data, eager.dataSync(), { maxAbs: 2e-6 });
          dispose([x, eager]);
          await fast.dispose();
        }
      });
    }
  }
});
