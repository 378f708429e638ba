/** Attention of a single query, without keys and values for every token. */
import { expect } from 'chai';
import fc from 'fast-check';
import { headProduct, mergeHeads, splitHeads } from '../../../src/tensor/ops/heads.js';
import { linear } from '../../../src/tensor/ops/linear.js';
import {
  dispose,
  mul,
  slice,
  softmax,
  type Tensor,
  type Tokens,
  tensor1d,
  tensor2d,
} from '../../../src/tensor/tfjs.js';
import type { Graph } from '../../../src/tensor/trace/graph.js';
import { shaping } from '../../../src/tensor/trace/passes/index.js';
import { oneQuery } from '../../../src/tensor/trace/passes/oneQuery.js';
import { useEngine } from '../../engine.js';
import { expectClose } from '../../goldens.js';
import { lower, lowerWithout, noise, recorded, runGraph } from './graphs.js';

interface Sizes {
  readonly queries: number;
  readonly tokens: number;
  readonly heads: number;
  readonly size: number;
  readonly width: number;
}

/** What must live as long as a graph that refers to it. */
const weights: Tensor[] = [];

/** Attention of the first tokens over all, as a function of tokens; also its keys where they are asked for. */
function attending({ queries, heads, size, width }: Sizes, seeKeys = false) {
  const inner = heads * size;
  const numbers = (shape: number[], seed: number) => noise(shape, seed).data as Float32Array;
  const map = (seed: number) => {
    const weight = tensor2d(numbers([width, inner], seed), [width, inner]);
    const bias = tensor1d(numbers([inner], seed + 1));
    weights.push(weight, bias);
    return { weight, bias };
  };
  const [q, k, v] = [map(11), map(21), map(31)] as const;
  return (x: Tokens): Tensor[] => {
    const inHeads = (from: Tokens, weights: typeof q) => splitHeads(linear(from, weights), heads);
    const keys = inHeads(x, k);
    const some = inHeads(slice(x, [0, 0, 0], [-1, queries, -1]), q);
    const pattern = softmax(headProduct(mul(some, 0.3), keys, true));
    const out = mergeHeads(headProduct(pattern, inHeads(x, v)));
    return seeKeys ? [out, keys] : [out];
  };
}

/** How many maps of tokens there are once a graph has its shape. */
const linears = (graph: Graph) =>
  shaping.reduce((current, pass) => pass(current), graph).nodes.filter(({ op }) => op === 'Linear').length;

async function graphOf(sizes: Sizes, seeKeys = false): Promise<Graph> {
  const fn = attending(sizes, seeKeys) as never;
  return recorded(fn, [{ shape: ['batch', sizes.tokens, sizes.width] }]);
}

describe('attention of one query', () => {
  before(useEngine);
  afterEach(() => dispose(weights.splice(0)));

  it('gives the same for any sizes', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          tokens: fc.integer({ min: 1, max: 9 }),
          heads: fc.integer({ min: 1, max: 4 }),
          size: fc.integer({ min: 1, max: 6 }),
          width: fc.integer({ min: 1, max: 9 }),
          batch: fc.integer({ min: 1, max: 3 }),
        }),
        async ({ batch, ...sizes }) => {
          const recording = () => graphOf({ ...sizes, queries: 1 });
          const [without, plain] = [lower(await recording(), 'any'), lowerWithout(await recording(), oneQuery, 'any')];
          expect(linears(await recording())).to.equal(1);
          const given = [noise([batch, sizes.tokens, sizes.width])];
          const [actual, expected] = [await runGraph(without, given), await runGraph(plain, given)];
          const [[one], [other]] = [Object.values(actual), Object.values(expected)];
          expectClose(one!.data, other!.data, { maxAbs: 2e-6 });
        },
      ),
      { numRuns: 25 },
    ));

  it('is left to its keys where there are more queries, or something looks at them', async () => {
    const sizes = { tokens: 5, heads: 2, size: 3, width: 4 };
    expect(linears(await graphOf({ ...sizes, queries: 2 }))).to.equal(3);
    expect(linears(await graphOf({ ...sizes, queries: 1 }, true))).to.equal(3);
  });
});
