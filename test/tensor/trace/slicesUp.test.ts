/** Slices moved up: the same results, from less work. */
import { expect } from 'chai';
import fc from 'fast-check';
import { gem } from '../../../src/attention/gem.js';
import { attentions } from '../../../src/attention/index.js';
import type { Clip } from '../../../src/model/clip.js';
import type { Variant } from '../../../src/model/imageTower.js';
import { layerNorm } from '../../../src/tensor/ops/layerNorm.js';
import { linear } from '../../../src/tensor/ops/linear.js';
import {
  add,
  concat,
  gather,
  matMul,
  mul,
  type Pixels,
  reshape,
  sigmoid,
  slice,
  softmax,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tensor2d,
  tensor3d,
  transpose,
} from '../../../src/tensor/tfjs.js';
import { type Graph, showShape } from '../../../src/tensor/trace/graph.js';
import { slicesUp } from '../../../src/tensor/trace/passes/slicesUp.js';
import { useEngine } from '../../engine.js';
import { expectClose, findGolden, readGolden } from '../../goldens.js';
import { tinyClip } from '../../model/tiny.js';
import { lower, lowerWithout, noise, recorded, runGraph } from './graphs.js';

const golden = readGolden(findGolden('dense/dense.safetensors')!);
const outputs = readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!);

/** The shapes of the results of an operator, in order. */
const shapesOf = (graph: Graph, op: string) =>
  graph.nodes.filter(node => node.op === op).map(({ outputs: [y] }) => showShape(y!.shape));

/** Lowers a function with the pass and without, runs both, and gives the graph with it. */
async function expectSame(
  fn: (...x: never[]) => unknown,
  shapes: readonly (readonly (number | string)[])[],
  given = shapes.map((shape, i) =>
    noise(
      shape.map(size => (size === 'batch' ? 2 : Number(size))),
      i + 1,
    ),
  ),
): Promise<Graph> {
  const signature = shapes.map((shape, i) => ({ shape, dtype: given[i]!.dtype ?? 'float32' }) as const);
  const graph = lower(await recorded(fn, signature), 'any');
  const plain = lowerWithout(await recorded(fn, signature), slicesUp, 'any');
  const [actual, expected] = [await runGraph(graph, given), await runGraph(plain, given)];
  for (const [name, { data, shape }] of Object.entries(expected)) {
    expect(actual[name]!.shape, name).to.deep.equal(shape);
    const largest = (data as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expectClose(actual[name]!.data, data, { maxAbs: 1e-5 * largest }, { name, shape });
  }
  return graph;
}

describe('slices moved up', () => {
  before(useEngine);

  describe('in the towers', () => {
    let clip: Clip;
    before(() => {
      clip = tinyClip();
    });
    after(() => clip.dispose());
    const { data, shape } = golden['wide/pixels']!;
    const pixels = { data: data as Float32Array, shape };
    const [, , height, width] = shape as [number, number, number, number];
    const image = (last: Variant) =>
      expectSame((x: Pixels) => clip.image(x, { last }).embedding, [['batch', 3, height, width]], [pixels]);

    /** Of the last block's queries, keys and values: those made for the class token alone, and for all tokens. */
    const made: Record<string, [alone: number, all: number]> = {
      qk: [1, 0],
      qq: [0, 2],
      kk: [0, 2],
      vv: [0, 1],
      csa: [0, 3],
      gem: [0, 3],
      naclip: [0, 2],
    };
    for (const [name, [alone, all]] of Object.entries(made)) {
      it(`the embedding with ${name}: the last block for the class token alone`, async () => {
        const graph = await image({ attention: attentions[name]! });
        const { layers, width: w, mlpWidth } = clip.config.image!;
        const gemms = shapesOf(graph, 'Gemm');
        const forOne = gemms.filter(gemm => gemm.startsWith('[batch, '));
        // The way out of the attention, the two of the feed-forward, and the projection.
        const last = [w, mlpWidth, w, clip.config.embedding].map(size => `[batch, ${size}]`);
        expect(forOne).to.deep.equal([...Array(alone).fill(`[batch, ${w}]`), ...last]);
        expect(gemms.length - forOne.length).to.equal(1 + (layers - 1) * 6 + all);
      });
    }

    it('the embedding with identity: nor does the block before make more than that', async () => {
      const graph = await image({ attention: attentions.identity! });
      const gemms = shapesOf(graph, 'Gemm');
      const forOne = gemms.filter(gemm => gemm.startsWith('[batch, '));
      // Queries, the way out and the feed-forward of one block; values, way out, feed-forward of the last; projection. A
      // single query needs no keys and values.
      expect(forOne).to.have.length(4 + 4 + 1);
      expect(gemms.length - forOne.length).to.equal(1 + (clip.config.image!.layers - 2) * 6);
    });

    const variants: Record<string, Variant> = {
      'no residual, no ffn': { residual: false, ffn: false },
      'three blocks summed': { blocks: 3, path: 'sum', residual: false },
      'a side path': { blocks: 3, path: 'side', attention: gem({ iterations: 2 }) },
    };
    for (const [name, last] of Object.entries(variants)) it(`the embedding with ${name}`, () => image(last).then());

    it("leaves a side path out when the class token is the stream's", async () => {
      const last: Variant = { blocks: 2, path: 'side', classToken: 'stream', attention: attentions.vv! };
      const graph = await image(last);
      const plain = await image({ attention: attentions.qk! });
      expect(shapesOf(graph, 'Gemm')).to.deep.equal(shapesOf(plain, 'Gemm'));
    });

    it('changes nothing when all tokens are asked for', async () => {
      const graph = await expectSame((x: Pixels) => clip.image(x), [['batch', 3, height, width]], [pixels]);
      expect(shapesOf(graph, 'Gemm').filter(rows => rows.startsWith('[batch, '))).to.deep.equal([]);
    });

    it('a text: the end of the last block for the sentence token alone', async () => {
      const ids = outputs.token_ids!;
      const given = { data: Int32Array.from(ids.data as Int32Array), shape: ids.shape, dtype: 'int32' as const };
      const graph = await expectSame(x => clip.textIds(x).embedding, [['batch', ids.shape[1]!]], [given]);
      const { width: w, mlpWidth } = clip.config.text!;
      const rows = shapesOf(graph, 'Gemm').filter(gemm => gemm.startsWith('[batch, '));
      expect(rows).to.deep.equal([w, mlpWidth, w, clip.config.embedding].map(size => `[batch, ${size}]`));
    });
  });

  describe('in other functions', () => {
    const weight = noise([6, 5]);
    const map = () => ({ weight: tensor2d(weight.data, [6, 5]), bias: tensor1d([1, 2, 3, 4, 5]) });
    const norm = () => ({ weight: tensor1d([1, 2, 3, 4, 5, 6]), bias: tensor1d([6, 5, 4, 3, 2, 1]) });
    const cut = <T extends Tensor>(x: T, begin: number, end: number) =>
      slice(x as unknown as Tensor3D, [0, begin, 0], [-1, end - begin, -1]);

    it('two parts of one value: it is made whole', async () => {
      const graph = await expectSame(
        (x: Tensor3D) => {
          const y = linear(x, map());
          return [cut(y, 0, 1), cut(y, 1, 4), cut(y, 0, 1)];
        },
        [['batch', 4, 6]],
      );
      expect(shapesOf(graph, 'Gemm')).to.deep.equal(['[4 batch, 5]']);
      expect(shapesOf(graph, 'Slice')).to.have.length(2);
    });

    it('a part of a part', async () => {
      const graph = await expectSame((x: Tensor3D) => cut(cut(linear(x, map()), 1, 4), 1, 2), [['batch', 4, 6]]);
      expect(shapesOf(graph, 'Gemm')).to.deep.equal(['[3 batch, 5]']);
    });

    it('a part of what an output also gives whole', async () => {
      const graph = await expectSame(
        (x: Tensor3D) => {
          const y = layerNorm(x, norm());
          return { y, part: cut(y, 2, 3) };
        },
        [['batch', 4, 6]],
      );
      expect(shapesOf(graph, 'LayerNormalization')).to.deep.equal(['[batch, 4, 6]']);
    });

    it('parts along the axis that an operation runs over stay behind it', async () => {
      await expectSame((x: Tensor3D) => slice(layerNorm(x, norm()), [0, 0, 2], [-1, -1, 3]), [['batch', 4, 6]]);
      await expectSame((x: Tensor3D) => slice(softmax(x), [0, 0, 2], [-1, -1, 3]), [['batch', 4, 6]]);
      await expectSame((x: Tensor3D) => slice(linear(x, map()), [0, 0, 2], [-1, -1, 3]), [['batch', 4, 6]]);
      const columns = await expectSame(
        (a: Tensor3D, b: Tensor3D) => slice(matMul(a, b), [0, 1, 2], [-1, 2, 3]),
        [
          ['batch', 4, 6],
          ['batch', 6, 7],
        ],
      );
      expect(shapesOf(columns, 'MatMul')).to.deep.equal(['[batch, 4, 7]']);
    });

    it('a part of one of several values in a row', async () => {
      const graph = await expectSame(
        (x: Tensor3D) => cut(concat([linear(x, map()), mul(linear(x, map()), 2)], 1), 5, 7),
        [['batch', 4, 6]],
      );
      expect(shapesOf(graph, 'Gemm')).to.deep.equal(['[2 batch, 5]']);
      await expectSame((x: Tensor3D) => cut(concat([x, mul(x, 2)], 1), 3, 6), [['batch', 4, 6]]);
    });

    it('rows that are chosen by what the rows themselves say', async () => {
      await expectSame(
        (x: Tensor2D, rows: Tensor1D) => {
          const y = linear(layerNorm(x, norm()), map());
          return gather(sigmoid(y), rows);
        },
        [[4, 6], [3]],
        [noise([4, 6]), { data: Int32Array.of(3, 0, 3), shape: [3], dtype: 'int32' }],
      );
    });

    it('rows that are chosen more often than there are any stay behind what makes them', async () => {
      const graph = await expectSame(
        (x: Tensor2D, rows: Tensor1D) => gather(linear(x, map()), rows),
        [[2, 6], ['batch']],
        [noise([2, 6]), { data: Int32Array.of(1, 0, 1, 1), shape: [4], dtype: 'int32' }],
      );
      expect(shapesOf(graph, 'Gemm')).to.deep.equal(['[2, 5]']);
    });

    /** Operations `[batch, 4, 6] -> [batch, 4, 6]`; the last two keep the first two axes apart or mix them. */
    const steps: Record<string, (x: Tensor3D, y: Tensor3D) => Tensor3D> = {
      sigmoid: x => sigmoid(x),
      'plus another': (x, y) => add(x, y),
      'plus a row': x => add(x, tensor1d([1, 2, 3, 4, 5, 6])),
      'plus a column': x => add(x, tensor3d([1, 2, 3, 4], [1, 4, 1])),
      softmax: x => softmax(x),
      norm: x => layerNorm(x, norm()),
      map: x => linear(x, { weight: tensor2d(noise([6, 6]).data, [6, 6]) }),
      'attend to another': (x, y) => matMul(softmax(matMul(x, y, false, true)), y),
      heads: x => reshape(transpose(reshape(x, [x.shape[0], 4, 2, 3]), [0, 1, 2, 3]), x.shape),
      turned: x => transpose(reshape(transpose(x, [0, 2, 1]), [x.shape[0], 6, 4]), [0, 2, 1]),
    };

    it('chains of steps, sliced at any place', () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.constantFrom(...Object.keys(steps)), fc.nat(9)), { minLength: 1, maxLength: 8 }),
          fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 })),
          async (chain, [begin, length, axis]) => {
            await expectSame(
              (x: Tensor3D) => {
                const all = [x];
                for (const [name, other] of chain) all.push(steps[name]!(all.at(-1)!, all[other % all.length]!));
                const [from, size] = [[0, 0, 0], [...x.shape]];
                if (axis > 0) [from[axis], size[axis]] = [begin, Math.min(length, size[axis]! - begin)];
                return slice(all.at(-1)!, from as [number, number, number], size as [number, number, number]);
              },
              [['batch', 4, 6]],
            );
          },
        ),
        { numRuns: 60 },
      ));
  });
});
