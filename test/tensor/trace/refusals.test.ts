/** What a function must not do while it is recorded, beside what other tests refuse; and that nothing is spoilt by it. */
import { grad, print, square, stridedSlice, train, type Variable, variable, whereAsync } from '@tensorflow/tfjs-core';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { compile, type InputSpec } from '../../../src/tensor/compile.js';
import { enableGradients } from '../../../src/tensor/gradients.js';
import { layerNorm } from '../../../src/tensor/ops/layerNorm.js';
import { linear } from '../../../src/tensor/ops/linear.js';
import {
  add,
  concat,
  getBackend,
  greater,
  matMul,
  mean,
  memory,
  mul,
  ones,
  type Scalar,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  zeros,
} from '../../../src/tensor/tfjs.js';
import type { Value } from '../../../src/tensor/trace/graph.js';
import { writeOnnx } from '../../../src/tensor/trace/onnx/write.js';
import { useEngine } from '../../engine.js';

const two: InputSpec[] = [{ shape: ['batch', 2] }];

describe('recording refuses', () => {
  before(useEngine);
  before(() => enableGradients());

  /** The message of the InputError with which compile ends, leaving everything as it was. */
  async function refusal(fn: unknown, signature: unknown = two, options?: object): Promise<string> {
    const [tensors, backend] = [memory().numTensors, getBackend()];
    const failed: unknown[] = [];
    const note = (reason: unknown) => failed.push(reason);
    // The engine and the runner of tests end the process at the first.
    const listeners = process.rawListeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', note);
    try {
      const error = await compile(fn as () => object, signature as InputSpec[], options).catch(caught => caught);
      expect(error).to.be.instanceOf(InputError);
      // Promises that nobody waits for are told of by then.
      await new Promise(resolve => setTimeout(resolve, 5));
      expect(failed, 'rejections that nobody handles').to.deep.equal([]);
      expect(memory().numTensors, 'tensors left behind').to.equal(tensors);
      expect(getBackend()).to.equal(backend);
      expect(error.message).to.not.include('\n');
      return error.message;
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of listeners) process.on('unhandledRejection', listener as never);
    }
  }

  const values = /^compile: the function reads the values of a tensor of shape \[batch, 2\]/;
  const cases: [string, (x: Tensor2D) => unknown, RegExp][] = [
    ['a value that is waited for', async x => mul(x, (await x.data())[0]!), values],
    [
      'a value of a result',
      async x => add(x, (await square(x).array())[0]![0]!),
      /\[batch, 2\], the result of 'Square', which only a run knows/,
    ],
    [
      'a value that is looked at by the way',
      x => {
        void x.data().then(() => undefined);
        return mul(x, 2);
      },
      values,
    ],
    [
      'to print',
      x => {
        print(x);
        return x;
      },
      values,
    ],
    ['positions that a condition picks', x => whereAsync(greater(x, 0)), /the result of 'Greater', which only a run/],
    [
      'an async function that fails later',
      async x => {
        await undefined;
        return mul(x, 2);
      },
      /returns at once, got a promise/,
    ],
    ['a promise in the result', x => ({ x, later: Promise.reject(new Error('later')) }), /got a promise/],
    ['a map, whose tensors would be lost', x => ({ x, seen: new Map([['x', x]]) }), /got a Map at 'seen'/],
    [
      'a generator',
      function* (x) {
        yield x;
      },
      /expected tensors, or lists and records of tensors, got a/,
    ],
    [
      'a record that holds itself',
      x => {
        const record: Record<string, unknown> = { x };
        record.again = record;
        return record;
      },
      /got one that holds itself/,
    ],
    ['null', x => ({ x, mask: null }), /got null at 'mask'/],
    [
      'products of sizes that do not match',
      x => matMul(x, ones([3, 2])),
      /^compile: 'BatchMatMul' of \[batch, 2\] and \[3, 2\]: the inner sizes are 2 and 3, and must be the same$/,
    ],
    [
      'the same the other way round',
      x => matMul(x, ones([5, 4]), false, true),
      /\[batch, 2\] and \[5, 4\]: .* 2 and 4/,
    ],
    ['sums of other sizes', x => add(x, ones([3])), /^compile: 'Add' of \[batch, 2\] and \[3\]: Operands could not be/],
    ['lists of other sizes', x => concat([x, ones([1, 3])], 0), /^compile: 'Concat' of \[batch, 2\] and \[1, 3\]: /],
    [
      'a bias of another size',
      x => linear(x as never as Tensor3D, { weight: ones([2, 4]), bias: ones([3]) }),
      /^compile: 'Linear' of .*: expected a bias \[4\], got \[3\]/,
    ],
    [
      'a norm of another width',
      x => layerNorm(x, { weight: ones([3]), bias: zeros([2]) }),
      /^compile: 'LayerNorm' of .*: expected a weight \[2\], got \[3\]/,
    ],
    ['what is constant and wrong', x => add(x, add(ones([2]), ones([3]))), /^compile: 'Add' of \[2\] and \[3\]/],
    [
      'gradients that nobody knows',
      x => grad((y: Tensor) => sum(stridedSlice(y, [0, 0], [2, 2], [1, 1])))(x),
      /^no gradient of 'StridedSlice' is known; call enableGradients first/,
    ],
    [
      'to make a variable',
      x => mul(x, variable(ones([2]))),
      /the function makes a variable; give what changes as an inp/,
    ],
  ];
  for (const [what, fn, message] of cases) it(what, async () => expect(await refusal(fn)).to.match(message));

  it('to assign to a variable, whose values stay', async () => {
    const start = tensor1d([1, 2]);
    const weight = variable(start) as Variable;
    start.dispose();
    const optimisers = [train.sgd(0.1), train.adam(0.1)];
    const steps = [
      (x: Tensor) => {
        weight.assign(add(weight, mean(x)));
        return mul(x, weight);
      },
      ...optimisers.map(one => (x: Tensor) => one.minimize(() => mean(mul(x, weight)) as Scalar, true)),
    ];
    for (const step of steps) {
      expect(await refusal(step)).to.match(/the function (assigns to the|makes a) variable.* as compileStep does$/);
      expect([...weight.dataSync()]).to.deep.equal([1, 2]);
    }
    const sum = add(weight, 1);
    weight.assign(sum);
    expect([...weight.dataSync()], 'afterwards').to.deep.equal([2, 3]);
    weight.dispose();
    sum.dispose();
    for (const one of optimisers) one.dispose();
  });

  it('a compiled function in a function, which it does not keep from being disposed', async () => {
    const twice = await compile((x: Tensor) => mul(x, 2), two);
    expect(await refusal((x: Tensor) => twice(x))).to.match(/calls a compiled one; call its original there/);
    expect(await refusal((x: Tensor) => add(x, twice(x) as never))).to.match(/calls a compiled one/);
    await twice.dispose();
  });

  it('what is no function, signature or option', async () => {
    const same = (x: Tensor) => x;
    expect(await refusal(undefined)).to.match(/expected a function of tensors, got undefined/);
    expect(await refusal(same, { shape: [2] })).to.match(/expected a signature such as/);
    expect(await refusal(same, [null])).to.match(/input 0: expected \{ shape/);
    expect(await refusal(same, [{ shape: 3 }])).to.match(/input 0: expected \{ shape: \[…\] \}, got shape 3/);
    expect(await refusal(same, [{ shape: [2], name: '' }])).to.match(/input 0: expected a name that is not empty/);
    expect(await refusal(same, two, { thread: 2 })).to.match(/unknown option 'thread'; did you mean threads\?/);
    const weight = tensor1d([1, 2]);
    expect(await refusal(same, two, { lift: weight })).to.match(/lift: expected a list of tensors/);
    expect(await refusal(same, two, { lift: [weight, weight] })).to.match(/tensor 1 has the very values of tensor 0/);
    const clash = [{ shape: [2], name: 'lifted.0' }];
    expect(await refusal(same, clash, { lift: [weight] })).to.match(/the name 'lifted.0' is given twice/);
    weight.dispose();
  });

  it('more constants than a graph can hold, before it takes the memory', async () => {
    const read = () => {
      throw new Error('read');
    };
    const weight: Value = { dtype: 'float32', shape: [2 ** 29], source: { kind: 'tensor', id: {}, read } };
    const graph = { inputs: [], nodes: [], outputs: [{ name: 'y', value: weight }] };
    const error = await writeOnnx(graph, () => undefined).catch(caught => caught);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.match(/take 2\.15 GB, and a graph holds 2\.14; load weights from a safetensors file/);
    expect((await writeOnnx(graph, () => ({ location: 'f', offset: 0, length: 2 ** 31 }))).length).to.be.below(300);
  });
});
