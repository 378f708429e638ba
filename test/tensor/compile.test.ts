import { grad } from '@tensorflow/tfjs-core';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { type CompileOptions, compile, type InputSpec } from '../../src/tensor/compile.js';
import { enableGradients } from '../../src/tensor/gradients.js';
import {
  add,
  cast,
  concat,
  dispose,
  getBackend,
  matMul,
  memory,
  mul,
  ones,
  range,
  reshape,
  softmax,
  square,
  sum,
  type Tensor,
  type Tensor2D,
  tensor,
  tensor1d,
  tensor2d,
  tidy,
  tile,
} from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';

const two: InputSpec[] = [{ shape: ['batch', 2] }];
const floats = (values: number[], shape: number[]) => ({ data: Float32Array.from(values), shape });

/** The message of the InputError that `f` ends with. */
async function refusal(f: () => Promise<unknown>): Promise<string> {
  const [tensors, backend] = [memory().numTensors, getBackend()];
  try {
    await f();
  } catch (error) {
    expect(error).to.be.instanceOf(InputError);
    expect(memory().numTensors, 'tensors left behind').to.equal(tensors);
    expect(getBackend(), 'the engine').to.equal(backend);
    const { message } = error as Error;
    expect(message).to.not.include('\n');
    return message;
  }
  throw new Error('nothing was refused');
}

describe('compile', () => {
  before(useEngine);

  it('serves every batch with one graph', () =>
    withoutLeak(async () => {
      const weight = tensor2d([1, 2, 3, 4], [2, 2]);
      const fast = await compile(x => add(matMul(x, weight), 1), [{ shape: ['batch', 2] }]);
      for (const batch of [1, 2, 7]) {
        const { data, shape } = await fast(floats(Array(batch * 2).fill(1), [batch, 2]));
        expect(shape).to.deep.equal([batch, 2]);
        expect([...data]).to.deep.equal(Array(batch).fill([5, 7]).flat());
      }
      await fast.dispose();
      weight.dispose();
    }));

  it('gives nothing for a batch of none, but for what does not follow the batch', async () => {
    const shape = [{ shape: ['batch', 2] }] as const;
    const fast = await compile((x: Tensor) => ({ twice: mul(x, 2), whole: cast(mul(x, 2), 'int32') }), shape);
    const { twice, whole } = await fast(floats([], [0, 2]));
    expect(twice).to.deep.equal({ data: new Float32Array(0), shape: [0, 2], dtype: 'float32' });
    expect(whole).to.deep.equal({ data: new Int32Array(0), shape: [0, 2], dtype: 'int32' });
    await fast.dispose();
    const total = await compile((x: Tensor) => ({ twice: mul(x, 2), all: sum(x) }), shape);
    expect((await total(floats([], [0, 2]))).all.data[0]).to.equal(0);
    await total.dispose();
  });

  it('gives tensors for tensors and values for values, in the structure of the function', () =>
    withoutLeak(async () => {
      const fast = await compile(x => ({ twice: mul(x, 2), parts: [sum(x), { back: x }] as const }), [{ shape: [3] }]);
      const plain = await fast(floats([1, 2, 3], [3]));
      expect([...plain.twice.data]).to.deep.equal([2, 4, 6]);
      expect([...plain.parts[0].data]).to.deep.equal([6]);
      expect(plain.parts[0].shape).to.deep.equal([]);
      const x = tensor1d([1, 2, 3]);
      const { twice, parts } = await fast(x);
      expect([...twice.dataSync()]).to.deep.equal([2, 4, 6]);
      expect([...parts[1].back.dataSync()]).to.deep.equal([1, 2, 3]);
      for (const made of [x, twice, parts[0], parts[1].back]) made.dispose();
      await fast.dispose();
    }));

  it('follows the batch through tiles, ranges, concatenation and reshapes', async () => {
    const fast = await compile(
      x => {
        const [b] = x.shape;
        const rows = concat([tile(tensor2d([9, 9], [1, 2]), [b, 1]), x], 1); // [b, 4]
        return { flat: reshape(rows, [b * 4]), numbers: range(0, 3 * b, 3, 'int32'), ones: ones([b + 1, 70]) };
      },
      [{ shape: ['batch', 2] }],
    );
    const { flat, numbers, ones: filled } = await fast(floats([1, 2, 3, 4], [2, 2]));
    expect([...flat.data]).to.deep.equal([9, 9, 1, 2, 9, 9, 3, 4]);
    expect([...numbers.data]).to.deep.equal([0, 3]);
    expect(filled.shape).to.deep.equal([3, 70]);
    await fast.dispose();
  });

  it('makes a graph for each combination of named sizes, and keeps the last used', async () => {
    let recorded = 0;
    const count = (x: Tensor) => {
      recorded++;
      return sum(x, [1]);
    };
    const fast = await compile(count, [{ shape: ['batch', 'width'] }], { keep: 2 });
    expect(recorded).to.equal(0);
    const run = async (width: number) => [...(await fast(floats(Array(width).fill(1), [1, width]))).data];
    for (const width of [3, 4, 3]) expect(await run(width)).to.deep.equal([width]);
    expect(recorded).to.equal(4);
    expect(await run(5)).to.deep.equal([5]); // 4 is the one not used for the longest
    expect(await run(3)).to.deep.equal([3]);
    expect(recorded).to.equal(6);
    expect(await run(4)).to.deep.equal([4]);
    expect(recorded).to.equal(8);
    await fast.dispose();
  });

  it('answers calls at one time, also those whose graph has to make room for another', async () => {
    const fast = await compile(x => sum(x, [1]), [{ shape: [1, 'width'] }], { keep: 1 });
    const widths = [3, 4, 3, 5, 4];
    const calls = widths.map(width => fast(floats(Array(width).fill(1), [1, width])));
    const disposed = fast.dispose();
    expect((await Promise.all(calls)).map(({ data }) => data[0])).to.deep.equal(widths);
    await disposed;
  });

  it('takes tensors that are freed as soon as it has been called', () =>
    withoutLeak(async () => {
      const fast = await compile(x => mul(x, 2), [{ shape: ['batch', 2] }]);
      const x = tensor2d([[1, 2]]);
      const call = fast(x);
      x.dispose();
      const y = await call;
      expect([...y.dataSync()]).to.deep.equal([2, 4]);
      y.dispose();
      await fast.dispose();
    }));

  it('lifts tensors to inputs', () =>
    withoutLeak(async () => {
      const weight = tensor1d([1, 2]);
      const fast = await compile(x => mul(x, weight), two, { lift: [weight] });
      const { data } = await fast(floats([1, 1], [1, 2]), floats([5, 6], [2]));
      expect([...data]).to.deep.equal([5, 6]);
      weight.dispose();
      await fast.dispose();
    }));

  it('records gradients', () =>
    withoutLeak(async () => {
      enableGradients();
      const loss = (x: Tensor) => sum(square(softmax(x)));
      const fast = await compile(x => grad(loss)(x), [{ shape: [2, 3] }]);
      const x = tensor2d([1, 2, 3, 3, 1, 0], [2, 3]);
      const [actual, expected] = [await fast(x), grad(loss)(x)];
      const errors = actual.dataSync<'float32'>().map((value, i) => Math.abs(value - expected.dataSync()[i]!));
      expect(Math.max(...errors)).to.be.below(1e-6);
      for (const made of [actual, expected, x]) made.dispose();
      await fast.dispose();
    }));

  it('lets a function read what is constant', async () => {
    const fast = await compile(x => {
      const [first] = softmax(add(tensor1d([0, 0]), 1)).dataSync();
      return mul(x, first!);
    }, two);
    expect([...(await fast(floats([2, 4], [1, 2]))).data]).to.deep.equal([1, 2]);
    await fast.dispose();
  });

  it('computes constants that a long loop makes', async () => {
    const fast = await compile(x => {
      let steps: Tensor = tensor1d([1, 2]);
      for (let i = 0; i < 3000; i++) steps = add(steps, 1);
      return mul(x, steps);
    }, two);
    expect([...(await fast(floats([1, 1], [1, 2]))).data]).to.deep.equal([3001, 3002]);
    await fast.dispose();
  });

  it('leaves the weights it met where they are', () =>
    withoutLeak(async () => {
      const weight = tensor1d([1, 2]);
      const fast = await compile(x => mul(x, weight), two);
      expect(tidy(() => [...add(weight, 1).dataSync()])).to.deep.equal([2, 3]);
      weight.dispose();
      expect([...(await fast(floats([1, 1], [1, 2]))).data]).to.deep.equal([1, 2]);
      await fast.dispose();
    }));

  describe('refuses', () => {
    let held: Tensor[] = [];
    before(() => {
      held = [tensor1d([1, 2]), tensor1d([3, 4])];
    });
    after(() => dispose(held));

    const cases: [string, (x: Tensor2D) => unknown, RegExp][] = [
      ['to read a value', x => mul(x, square(x).dataSync()[0]!), /reads the values of .* the result of 'Square'/],
      ['to read an input', x => mul(x, x.arraySync()[0]![0]!), /reads the values of .* an input/],
      ['an async function', async x => x, /got a promise/],
      ['a number', () => 3, /expected tensors.*got a number/],
      ['an array of numbers', () => ({ a: [1] }), /got a number at 'a\.0'/],
      ['nothing', () => undefined, /got undefined/],
      ['an empty record', () => ({}), /an empty result/],
      [
        'randomness',
        x => mul(x, Math.random()),
        /a constant \[\] that 'Multiply' works on is random or follows the batch size/,
      ],
      [
        'another result at each size',
        x => (x.shape[0] === 11 ? { a: x } : { b: x }),
        /what the function returns depends on the batch size/,
      ],
      [
        'another tensor at each size',
        x => add(mul(x, held[0]!), held[x.shape[0] === 11 ? 0 : 1]!),
        /a constant \[2\] that 'Add' works on is random or follows the batch size/,
      ],
      ['strings', () => tensor(['a', 'b']), /tensor of type string/],
      ['what follows the batch in no linear way', x => reshape(matMul(x, x, false, true), [-1]), /a size of 'Reshape'/],
    ];
    for (const [what, fn, message] of cases) {
      it(what, async () => expect(await refusal(() => compile(fn as () => object, two))).to.match(message));
    }

    it('an engine switched while an exception flies', async () => {
      const backend = getBackend();
      const failing = compile(() => {
        throw new RangeError('mine');
      }, two);
      expect(await failing.catch(error => error)).to.be.instanceOf(RangeError);
      expect(getBackend()).to.equal(backend);
    });

    it('bad signatures and options', async () => {
      const fn = (x: Tensor) => x;
      const bad = (spec: object, options: object = {}) =>
        refusal(() => compile(fn as never, [spec] as unknown as InputSpec[], options as CompileOptions));
      expect(await bad({ shape: [1.5] })).to.match(/whole numbers or names, got '1.5'/);
      expect(await bad({ shape: [2], dtype: 'float64' })).to.match(/dtype float32, int32 or bool/);
      for (const threads of [0, 1.5, 257, 2 ** 32 + 1]) {
        expect(await bad({ shape: [2] }, { threads })).to.match(/threads: expected a whole number from 1 to 256, got/);
      }
      expect(await bad({ shape: [2] }, { keep: 1.5 })).to.match(/keep: expected a positive/);
      expect(await bad({ shape: [2] }, { host: 'cloud' })).to.match(/unknown host 'cloud'/);
    });

    it('calls with another shape, type or number of inputs, and after dispose', async () => {
      const fast = await compile(x => x, two);
      expect(await refusal(() => fast(floats([1, 2, 3], [1, 3])))).to.match(/input 0: expected float32 \[batch, 2\]/);
      expect(await refusal(() => fast(floats([1, 2, 3], [1, 2])))).to.match(/holds 2 values, got 3/);
      expect(await refusal(() => fast(floats([1, 2], [2])))).to.match(/got float32 \[2\]/);
      for (const shape of [
        [-1, -2],
        [0.5, 4],
        ['1', 2],
      ]) {
        const wrong = { data: Float32Array.of(1, 2), shape: shape as number[] };
        expect(await refusal(() => fast(wrong))).to.match(/input 0: expected a shape of whole numbers from 0 up, got/);
      }
      const ints = { data: Int32Array.of(1, 2), shape: [1, 2] };
      expect(await refusal(() => fast(ints))).to.match(/got int32 \[1, 2\]/);
      const x = floats([1, 2], [1, 2]);
      expect(await refusal(() => fast(x, x))).to.match(/expected 1 inputs, got 2/);
      const doubles = { data: Float64Array.of(1, 2) as never, shape: [1, 2] };
      expect(await refusal(() => fast(doubles))).to.match(/Float32Array, Int32Array or Uint8Array, got Float64Array/);
      for (const none of [undefined, null, new Float32Array(2), { data: new Float32Array(2) }]) {
        expect(await refusal(() => fast(none as never))).to.match(/input 0: expected a tensor, or its values as/);
      }
      const claimed = { ...ints, dtype: 'float32' as const };
      expect(await refusal(() => fast(claimed))).to.match(/input 0: expected float32 as data, got int32/);
      const gone = tensor2d([[1, 2]]);
      gone.dispose();
      expect(await refusal(() => fast(gone))).to.match(/input 0 is a tensor that has been disposed/);
      await fast.dispose();
      await fast.dispose();
      expect(await refusal(() => fast(x))).to.match(/after dispose/);
    });
  });
});
