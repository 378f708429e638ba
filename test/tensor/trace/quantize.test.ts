/** Linear maps in eight-bit whole numbers: which, how exactly, and what comes of it in whole towers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { loadClip } from '../../../src/checkpoint/loadClip.js';
import { InputError } from '../../../src/errors.js';
import { type Clip, createClip } from '../../../src/model/clip.js';
import { type CompileOptions, compile } from '../../../src/tensor/compile.js';
import { linear } from '../../../src/tensor/ops/linear.js';
import type { Values } from '../../../src/tensor/run/host.js';
import { rememberPlace, storedTensor } from '../../../src/tensor/stored.js';
import { add, type Linear, mul, type Tensor2D, tensor1d, tensor2d } from '../../../src/tensor/tfjs.js';
import type { Graph } from '../../../src/tensor/trace/graph.js';
import { lowered, makeModel } from '../../../src/tensor/trace/model.js';
import { type QuantizedMatrices, quantizeMatrix } from '../../../src/tensor/trace/quantize.js';
import { useEngine, withoutLeak } from '../../engine.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { cosine, expectClose, findGolden, type GoldenTensor, readGolden } from '../../goldens.js';
import { tinyClip } from '../../model/tiny.js';
import { noise, recorded } from './graphs.js';

const golden = readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!);
const floats = ({ data, shape }: GoldenTensor) => ({ data: data as Float32Array, shape });
const quantised: CompileOptions = { quantize: 's8' };

const count = (graph: Graph, op: string) => graph.nodes.filter(node => node.op === op).length;
const graphOf = async (fn: (...x: never[]) => unknown, shape: (number | string)[], dtype?: 'int32') =>
  lowered(await recorded(fn, [{ shape, ...(dtype && { dtype }) }]), quantised);

/** Cosines of the rows of two matrices. */
function cosines(a: ArrayLike<number>, b: ArrayLike<number>, width: number): number[] {
  const row = (values: ArrayLike<number>, i: number) => Array.prototype.slice.call(values, i * width, (i + 1) * width);
  return Array.from({ length: a.length / width }, (_, i) => cosine(row(a, i), row(b, i)));
}

describe('quantised', () => {
  before(useEngine);

  it('matrices are off by half a step at most, column by column', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), {
          minLength: 6,
          maxLength: 60,
        }),
        (columns, list) => {
          const matrix = Float32Array.from(list.slice(0, list.length - (list.length % columns)));
          const { values, scales } = quantizeMatrix(matrix, columns);
          matrix.forEach((weight, i) => {
            const scale = scales[i % columns]!;
            expect(Math.abs(values[i]! * scale - weight)).to.be.at.most(0.5001 * scale + 1e-36);
            expect(Math.abs(values[i]!)).to.be.at.most(127);
          });
        },
      ),
    );
  });

  it('weights of one file that are computed with stay apart', () =>
    inTemporaryFolder(async folder => {
      const [rows, columns] = [512, 2100]; // too large to be computed ahead
      const { data } = noise([rows, columns]);
      const path = join(folder, 'weight');
      const bytes = new Uint8Array(data.buffer as ArrayBuffer);
      writeFileSync(path, bytes);
      const weight = storedTensor<Tensor2D>([rows, columns], () => data as Float32Array);
      const slice = { path, offset: 0, length: bytes.length, check: () => {} };
      rememberPlace(weight, { slice, dtype: 'float32', transposed: false });
      const first = tensor2d(noise([8, rows], 2).data, [8, rows]);
      const last = tensor2d(noise([columns, 2], 3).data, [columns, 2]);
      const fn = (x: Tensor2D) => {
        const h = linear(x, { weight: first });
        const [twice, fivefold] = [2, 5].map(factor => linear(h, { weight: mul(weight, factor) }));
        return { twice, fivefold, end: linear(add(twice!, fivefold!), { weight: last }) };
      };
      const x = noise([3, 8], 4);
      const run = await compile(fn as never, [{ shape: ['batch', 8] }], quantised);
      const { twice, fivefold } = (await run(x)) as unknown as Record<string, Values>;
      const largest = Math.max(...fivefold!.data.map(Math.abs));
      const scaled = Float32Array.from(twice!.data, value => value * 2.5);
      expectClose(fivefold!.data, scaled, { maxAbs: 0.02 * largest });
      await run.dispose();
      for (const tensor of [weight, first, last]) tensor.dispose();
    }));

  it('maps of zeros stay zero', () => {
    const { values, scales } = quantizeMatrix(Float32Array.of(0, 1, 0, -2), 2);
    expect([...values]).to.deep.equal([0, 64, 0, -127]);
    expect(scales[0]).to.equal(0);
  });

  describe('are', () => {
    let clip: Clip;
    before(() => {
      clip = tinyClip();
    });
    after(() => clip.dispose());

    /** Maps that are still products of floats. */
    const plain = (graph: Graph) => count(graph, 'Gemm') + count(graph, 'FusedMatMul');

    it("all maps of the image tower's blocks, not patches and projection", async () => {
      const graph = await graphOf(x => clip.image(x).tokens, ['batch', 3, 64, 64]);
      expect(count(graph, 'MatMulInteger')).to.equal(6 * clip.config.image!.layers);
      // Queries, keys and values are given the same.
      expect(count(graph, 'DynamicQuantizeLinear')).to.equal(4 * clip.config.image!.layers);
      expect(plain(graph)).to.equal(2);
    });

    it("all maps of the text tower's blocks, not the projection", async () => {
      const graph = await graphOf(x => clip.textIds(x).pooled, ['batch', 7], 'int32');
      expect(count(graph, 'MatMulInteger')).to.equal(6 * clip.config.text!.layers);
      expect(plain(graph)).to.equal(1);
    });

    const map = () => ({ weight: tensor2d([1, 2, 3, 4], [2, 2]) });

    it('not a map alone, nor the first and the last of three', async () => {
      const one = await graphOf((x: Tensor2D) => linear(x, map()), ['batch', 2]);
      expect(count(one, 'MatMulInteger')).to.equal(0);
      const three = await graphOf((x: Tensor2D) => linear(linear(linear(x, map()), map()), map()), ['batch', 2]);
      expect(count(three, 'MatMulInteger')).to.equal(1);
      expect(plain(three)).to.equal(2);
    });

    it('not weights that are inputs', async () => {
      const maps = [map(), map(), map()];
      const fn = (x: Tensor2D) => maps.reduce((y, each) => linear(y, each), x);
      const { bytes } = await makeModel(fn as never, [{ shape: ['batch', 2] }], {}, [maps[1]!.weight], quantised);
      expect(Buffer.from(bytes).includes('MatMulInteger')).to.equal(false);
    });
  });

  it('a map gives what the formula says', () =>
    withoutLeak(async () => {
      const matrix = noise([8, 5], 3).data as Float32Array;
      const make = (seed: number): Linear => ({ weight: tensor2d(noise([8, 8], seed).data, [8, 8]) });
      const [first, last] = [make(1), make(2)];
      const middle: Linear = { weight: tensor2d(matrix, [8, 5]), bias: tensor1d([1, 2, 3, 4, 5]) };
      const end: Linear = { weight: tensor2d(noise([5, 8], 4).data, [5, 8]) };
      const chain = await compile(
        (x: Tensor2D) => {
          const given = linear(x, first);
          const made = linear(given, middle);
          return { given, made, end: linear(linear(made, end), last) };
        },
        [{ shape: ['batch', 8] }],
        quantised,
      );
      const { given, made } = await chain(noise([3, 8], 5));

      // Activations: the range, with 0 in it, in 255 steps.
      const x = given.data as Float32Array;
      const [low, high] = [Math.min(0, ...x), Math.max(0, ...x)];
      const step = (high - low) / 255;
      const zero = Math.round(-low / step);
      const whole = [...x].map(value => Math.min(255, Math.max(0, Math.round(value / step) + zero)) - zero);
      const { values, scales } = quantizeMatrix(matrix, 5);
      const expected = Array.from({ length: 15 }, (_, at) => {
        const [row, column] = [Math.floor(at / 5), at % 5];
        let sum = 0;
        for (let k = 0; k < 8; k++) sum += whole[row * 8 + k]! * values[k * 5 + column]!;
        return sum * step * scales[column]! + column + 1;
      });
      expectClose(made.data, expected, { maxAbs: 1e-5 });
      for (const { weight, bias } of [first, middle, end, last]) {
        weight.dispose();
        bias?.dispose();
      }
      await chain.dispose();
    }));

  it('towers agree with the goldens', async () => {
    const clip = await loadClip(findGolden('clip-tiny/weights/open_clip-v512')!, { weights: 'file' });
    const image = await compile(x => clip.image(x).embedding, [{ shape: ['batch', 3, 64, 64] }], quantised);
    const expected = golden.image_features!;
    const width = expected.shape[1]!;
    const { data } = await image(floats(golden.pixels!));
    for (const each of cosines(data, expected.data as Float32Array, width)) expect(each).to.be.above(0.99);
    // Not the float graph by mistake.
    expect(Math.min(...cosines(data, expected.data as Float32Array, width))).to.be.below(1 - 1e-7);

    const { data: ids, shape } = golden.token_ids!;
    const text = await compile(x => clip.textIds(x).embedding, [{ shape: ['batch', shape[1]!], dtype: 'int32' }], {
      ...quantised,
      host: 'worker',
    });
    const sentences = await text({ data: Int32Array.from(ids as Int32Array), shape });
    for (const each of cosines(sentences.data, golden.text_features!.data as Float32Array, width)) {
      expect(each).to.be.above(0.99);
    }
    await image.dispose();
    await text.dispose();
    clip.dispose();
  });

  it('a tower of twelve blocks with random weights agrees with itself in float', () =>
    withoutLeak(async () => {
      const clip = narrowClip();
      const start = (options: CompileOptions) =>
        compile(x => clip.image(x, { see: ['blocks.11.attn_out'] }), [{ shape: ['batch', 3, 48, 48] }], options);
      const [exact, fast] = [await start({}), await start(quantised)];
      const pixels = noise([3, 3, 48, 48]);
      const [expected, actual] = [await exact(pixels), await fast(pixels)];
      const width = clip.config.embedding;
      for (const key of ['embedding', 'tokens'] as const) {
        const all = cosines(actual[key].data, expected[key].data, width);
        expect(Math.min(...all), key).to.be.within(0.99, 1 - 1e-7);
      }
      const name = 'image.blocks.11.attn_out';
      expect(cosine(actual.seen[name]!.data, expected.seen[name]!.data)).to.be.above(0.99);
      await exact.dispose();
      await fast.dispose();
      clip.dispose();
    }));

  it('weights that are not finite are refused', async () => {
    const bad: Linear = { weight: tensor2d([1, Number.NaN, 3, 4], [2, 2]) };
    const good: Linear = { weight: tensor2d([1, 2, 3, 4], [2, 2]) };
    const fn = (x: Tensor2D) => linear(linear(linear(x, good), bad), good);
    const error = await compile(fn, [{ shape: ['batch', 2] }], quantised).catch(caught => caught);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.match(/a weight \[2, 2\] to quantise holds values that are not finite/);
  });

  it('another way is refused by name', async () => {
    const error = await compile(x => x, [{ shape: [2] }], { quantize: 'int8' as 's8' }).catch(caught => caught);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.match(/unknown quantize 'int8'/);
  });

  it('weights in a file once for graphs of several sizes', async () => {
    const clip = await loadClip(findGolden('clip-tiny/weights/open_clip-v512')!, { weights: 'file' });
    const known: QuantizedMatrices = new Map();
    const signature = [{ shape: ['batch', 3, 'side', 'side'] }];
    const make = (side: number) =>
      makeModel(x => clip.image(x as never).pooled, signature, { side }, [], { ...quantised, quantized: known });
    await make(64);
    const before = [...known];
    // The last block's attention has one query and needs no keys and values.
    expect(before).to.have.length(6 * clip.config.image!.layers - 2);
    await make(32);
    expect([...known].map(([, matrix]) => matrix)).to.deep.equal(before.map(([, matrix]) => matrix));
    clip.dispose();
  });

  /** A tower 64 wide and 12 blocks deep. */
  function narrowClip(): Clip {
    const [width, layers, mlpWidth, patch, imageSize, embedding] = [64, 12, 256, 8, 48, 32];
    let seed = 100;
    const values = (shape: number[], scale: number, centre = 0) =>
      (noise(shape, seed++).data as Float32Array).map(value => centre + scale * value);
    const vector = (size: number, scale: number, centre = 0) => tensor1d(values([size], scale, centre));
    const matrix = (rows: number, columns: number) =>
      tensor2d(values([rows, columns], Math.sqrt(3 / rows)), [rows, columns]);
    const norm = () => ({ weight: vector(width, 0.2, 1), bias: vector(width, 0.1) });
    const map = (from: number, to: number) => ({ weight: matrix(from, to), bias: vector(to, 0.1) });
    const block = () => ({
      ln1: norm(),
      q: map(width, width),
      k: map(width, width),
      v: map(width, width),
      out: map(width, width),
      ln2: norm(),
      fc1: map(width, mlpWidth),
      fc2: map(mlpWidth, width),
    });
    const shared = { width, layers, heads: 4, mlpWidth, activation: 'quick_gelu', layerNormEpsilon: 1e-5 } as const;
    return createClip(
      { image: { ...shared, patch, imageSize }, embedding },
      {
        image: {
          patch: matrix(3 * patch * patch, width),
          classToken: vector(width, 1),
          positions: matrix(1 + (imageSize / patch) ** 2, width),
          lnPre: norm(),
          blocks: Array.from({ length: layers }, block),
          lnPost: norm(),
          projection: matrix(width, embedding),
        },
        logitScale: 1,
      },
    );
  }
});
