/** Passes that spell operations out for the runtime: fewer nodes, the same results. */
import { expect } from 'chai';
import fc from 'fast-check';
import { attentions } from '../../../src/attention/index.js';
import type { Clip, ImageOptions } from '../../../src/model/clip.js';
import { headProduct, mergeHeads, splitHeads } from '../../../src/tensor/ops/heads.js';
import type { Values } from '../../../src/tensor/run/host.js';
import {
  add,
  broadcastTo,
  matMul,
  mul,
  type Pixels,
  reshape,
  softmax,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
  tidy,
  transpose,
} from '../../../src/tensor/tfjs.js';
import type { Graph } from '../../../src/tensor/trace/graph.js';
import { type Lowering, lowered } from '../../../src/tensor/trace/model.js';
import { fuseAttention } from '../../../src/tensor/trace/passes/attention.js';
import { useEngine } from '../../engine.js';
import { expectClose } from '../../goldens.js';
import { tinyClip } from '../../model/tiny.js';
import { lower, lowerWithout, noise, recorded, runGraph } from './graphs.js';

const ops = ({ nodes }: Graph) => nodes.map(({ op, attributes }) => [op, ...Object.keys(attributes)].join(' ')).sort();

/** Lowers a function of matrices, runs it, and holds the result against another computation of the same. */
async function expectGraph(
  fn: (...x: Tensor2D[]) => Tensor,
  shapes: (number | 'batch')[][],
  expected: (a: number[][], b: number[][], c: number[][]) => number[],
): Promise<Graph> {
  const signature = shapes.map(shape => ({ shape }));
  const graph = lower(await recorded(fn as never, signature));
  const given = shapes.map((shape, i) =>
    noise(
      shape.map(size => (size === 'batch' ? 3 : size)),
      i + 1,
    ),
  );
  const [{ data }] = Object.values(await runGraph(graph, given)) as [Values];
  const rows = given.map(({ data: all, shape: [n, m] }) =>
    Array.from({ length: n! }, (_, i) => [...all.subarray(i * m!, (i + 1) * m!)]),
  );
  expectClose(data, expected(...(rows as [number[][], number[][], number[][]])), { maxAbs: 1e-6 });
  return graph;
}

const turned = (a: number[][]) => a[0]!.map((_, j) => a.map(row => row[j]!));
const product = (a: number[][], b: number[][]) =>
  a.map(row => turned(b).map(column => row.reduce((sum, x, k) => sum + x * column[k]!, 0)));

describe('products of matrices', () => {
  before(useEngine);

  it('take either side turned, as it is stored', async () => {
    const both = await expectGraph(
      (a, b) => matMul(a, b, true, true),
      [
        [4, 3],
        [5, 4],
      ],
      (a, b) => product(turned(a), turned(b)).flat(),
    );
    expect(ops(both)).to.deep.equal(['Gemm transA transB']);
    const written = await expectGraph(
      (a, b) => matMul(transpose(a), b),
      [
        ['batch', 3],
        ['batch', 5],
      ],
      (a, b) => product(turned(a), b).flat(),
    );
    expect(ops(written)).to.deep.equal(['Gemm transA']);
  });

  it('take in a bias, in a batch of one as well', async () => {
    const given: [number | 'batch', number][] = [
      ['batch', 3],
      [3, 4],
      [1, 4],
    ];
    const expected = (x: number[][], w: number[][], [b]: number[][]) =>
      product(x, w).flatMap(row => row.map((value, j) => value + b![j]!));
    const plain = await expectGraph((x, w, b) => add(matMul(x, w), reshape(b, [4])), given, expected);
    expect(ops(plain)).to.deep.equal(['Gemm', 'Reshape']);
    const oneOf = (x: Tensor2D) => reshape<Tensor>(x, [1, ...x.shape]);
    const batch = await expectGraph((x, w, b) => add(matMul(oneOf(x), oneOf(w)), reshape(b, [4])), given, expected);
    expect(ops(batch)).to.deep.equal(['Gemm', 'Reshape', 'Reshape']);
  });

  it('keep a bias out that something else must not have', async () => {
    const graph = await expectGraph(
      (x, w, b) => {
        const bare = matMul(x, w);
        return mul(add(bare, reshape(b, [4])), bare);
      },
      [
        ['batch', 3],
        [3, 4],
        [1, 4],
      ],
      (x, w, [b]) => product(x, w).flatMap(row => row.map((value, j) => (value + b![j]!) * value)),
    );
    expect(ops(graph)).to.deep.equal(['Add', 'Gemm', 'Mul', 'Reshape']);
  });
});

describe('what is repeated', () => {
  before(useEngine);

  it('is left to operations that repeat by themselves', async () => {
    const graph = await expectGraph(
      (x, row) => mul(sub(broadcastTo(row, x.shape), x), broadcastTo(row, x.shape)),
      [
        ['batch', 4],
        [1, 4],
      ],
      (x, [row]) => x.flatMap(values => values.map((value, j) => (row![j]! - value) * row![j]!)),
    );
    expect(ops(graph)).to.deep.equal(['Mul', 'Sub']);
  });

  it('is repeated where nothing else has the shape', async () => {
    const graph = await expectGraph(
      (x, row) => mul(broadcastTo(row, x.shape), broadcastTo(row, x.shape)),
      [
        ['batch', 4],
        [1, 4],
      ],
      (x, [row]) => x.flatMap(() => row!.map(value => value * value)),
    );
    expect(graph.nodes.filter(({ op }) => op === 'Expand')).to.have.length(1);
  });
});

describe('constants', () => {
  before(useEngine);

  for (const [side, products] of [
    [8, 0],
    [256, 1],
  ] as const) {
    it(`of a product ${side} wide are ${products === 0 ? 'computed' : 'left to the runtime'}`, async () => {
      const [a, b] = [1, 2].map(seed => tensor2d(noise([side, side], seed).data as Float32Array, [side, side]));
      const graph = lower(await recorded((x: Tensor2D) => add(x, matMul(a!, b!)), [{ shape: [side, side] }]));
      expect(graph.nodes.filter(({ op }) => op === 'Gemm')).to.have.length(products);
      const x = noise([side, side], 3);
      const { output } = await runGraph(graph, [x]);
      const expected = tidy(() => add(tensor2d(x.data as Float32Array, [side, side]), matMul(a!, b!)).dataSync());
      expectClose(output!.data, expected, { maxAbs: 1e-4 });
      a!.dispose();
      b!.dispose();
    });
  }
});

describe('attention', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  /** How many nodes of the image tower are a whole attention; `clip.test.ts` holds their results against the goldens. */
  const fused = async (options: ImageOptions, lowering: Lowering = {}) => {
    const fn = (x: Pixels) => clip.image(x, options);
    const graph = await lowered(await recorded(fn as never, [{ shape: ['batch', 3, 64, 64] }]), lowering);
    return graph.nodes.filter(({ op }) => op === 'MultiHeadAttention').length;
  };

  it('is one node in every block that mixes as CLIP was trained to', async () => {
    const { layers } = clip.config.image!;
    expect(await fused({})).to.equal(layers);
    expect(await fused({ last: { attention: attentions.qq! } })).to.equal(layers);
    expect(await fused({}, { quantize: 's8' })).to.equal(layers);
    expect(await fused({ last: { attention: attentions.csa! } })).to.equal(layers - 1);
  });

  it('stays apart where something looks inside, and for other runtimes', async () => {
    const { layers } = clip.config.image!;
    expect(await fused({ see: ['blocks.1.attn.pattern'] })).to.equal(layers - 1);
    expect(await fused({ see: ['blocks.*.attn.z'] })).to.equal(0);
    expect(await fused({}, { target: 'any' })).to.equal(0);
  });

  it('gives the same fused, for any number of queries, keys and heads', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          batch: fc.integer({ min: 1, max: 3 }),
          n: fc.integer({ min: 1, max: 9 }),
          m: fc.integer({ min: 1, max: 9 }),
          heads: fc.integer({ min: 1, max: 4 }),
          d: fc.integer({ min: 1, max: 9 }),
        }),
        async ({ batch, n, m, heads, d }) => {
          const attend = (q: Tensor3D, k: Tensor3D, v: Tensor3D) => {
            const pattern = softmax(headProduct(mul(splitHeads(q, heads), 0.3), splitHeads(k, heads), true));
            return mergeHeads(headProduct(pattern, splitHeads(v, heads)));
          };
          const shape = (tokens: number): [string, number, number] => ['batch', tokens, heads * d];
          const signature = [n, m, m].map(tokens => ({ shape: shape(tokens) }));
          const graph = () => recorded(attend as never, signature);
          const given = [n, m, m].map((tokens, i) => noise([batch, tokens, heads * d], i + 1));
          const [one, apart] = [lower(await graph()), lowerWithout(await graph(), fuseAttention)];
          expect(one.nodes.some(({ op }) => op === 'MultiHeadAttention')).to.equal(true);
          expect(apart.nodes.some(({ op }) => op === 'MultiHeadAttention')).to.equal(false);
          const [actual, expected] = [await runGraph(one, given), await runGraph(apart, given)];
          expectClose(actual.output!.data, expected.output!.data, { maxAbs: 1e-6 });
        },
      ),
      { numRuns: 25 },
    ));
});
