/** What a function takes from the batch size, and what it may not. */
import { maxPool, prod, type Tensor, type Tensor4D, unique } from '@tensorflow/tfjs-core';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { compile } from '../../../src/tensor/compile.js';
import { enableGradients } from '../../../src/tensor/gradients.js';
import { lossAndGradients } from '../../../src/tensor/lossAndGradients.js';
import {
  add,
  cast,
  div,
  equal,
  mean,
  mul,
  ones,
  range,
  sum,
  type Tensor2D,
  tensor1d,
  zeros,
} from '../../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../../engine.js';
import { expectClose } from '../../goldens.js';

const signature = [{ shape: ['batch', 2] }] as const;
const twos = (batch: number) => ({ data: new Float32Array(2 * batch).fill(2), shape: [batch, 2] });

/** Compiles a function once and compares what it gives at several batch sizes. */
const gives = (fn: (x: Tensor2D) => Tensor, expected: (batch: number) => number[]) => () =>
  withoutLeak(async () => {
    const fast = await compile(fn, signature, { threads: 1 });
    for (const batch of [1, 2, 5, 70]) {
      expectClose((await fast(twos(batch))).data, expected(batch), { maxAbs: 1e-5 }, { name: `batch ${batch}` });
    }
    await fast.dispose();
  });

const each = (batch: number, value: (row: number) => number) => Array.from({ length: batch }, (_, row) => value(row));

describe('batch size in a function', () => {
  before(useEngine);
  before(() => enableGradients());

  it(
    'as a number to divide by',
    gives(
      x => div(sum(x), x.shape[0]),
      () => [4],
    ),
  );
  it(
    'as several numbers',
    gives(
      x => add(sum(x), tensor1d([x.shape[0], 3 * x.shape[0] + 1])),
      batch => [5 * batch, 7 * batch + 1],
    ),
  );
  it(
    'as whole numbers',
    gives(
      x => add(cast(sum(x), 'int32'), cast(tensor1d([x.shape[0], 7], 'int32'), 'int32')),
      batch => [5 * batch, 4 * batch + 7],
    ),
  );
  it(
    'in ones, few or many',
    gives(
      x => add(sum(x, 1), ones([x.shape[0]])),
      batch => each(batch, () => 5),
    ),
  );
  it(
    'in constants made of constants',
    gives(
      x => add(sum(x, 1), mul(cast(range(0, x.shape[0], 1, 'int32'), 'float32'), 3)),
      batch => each(batch, row => 4 + 3 * row),
    ),
  );
  it(
    'in a sum of such constants',
    gives(
      x => mul(sum(x), sum(range(0, x.shape[0], 1, 'int32'))),
      batch => [2 * batch * batch * (batch - 1)],
    ),
  );
  it(
    'in the gradient of a mean',
    gives(
      x => lossAndGradients(w => mean(mul(w, w)), x as Tensor).gradients,
      batch => each(2 * batch, () => 2 / batch),
    ),
  );
  it(
    'beside constants that are read',
    gives(
      x => mul(x, add(zeros([100]), 0.5).dataSync<'float32'>()[99]!),
      batch => each(2 * batch, () => 1),
    ),
  );

  const refused: [string, (x: Tensor2D) => unknown, RegExp][] = [
    ['its reciprocal', x => mul(x, 1 / x.shape[0]), /a constant \[\] that 'Multiply' works on .* follows the batch/],
    ['its square', x => add(x, x.shape[0] ** 2), /a constant \[\]/],
    ['numbers for each row', x => add(sum(x, 1), tensor1d(each(x.shape[0], row => row * 0.5))), /a constant \[batch\]/],
    ['arithmetic of booleans', x => mul(equal(x, 1), equal(x, 2)), /uses 'Multiply' of booleans.*docs\/ops\.md/],
    ['a result of a size that values decide', x => unique(sum(x, 1)).values, /uses 'Unique', of which no graph form/],
    [
      'the gradient of a pool whose size is rounded up',
      x => {
        const picture = mul(ones([1, 5, 5, 1]), sum(x)) as Tensor4D;
        return lossAndGradients(w => sum(maxPool(w as Tensor4D, 2, 2, 0, 'ceil')), picture as Tensor).gradients;
      },
      /gradient of a 'MaxPool' with dimRoundingMode/,
    ],
  ];
  for (const [what, fn, message] of refused) {
    it(`refuses ${what}`, () =>
      withoutLeak(async () => {
        const error = await compile(fn as never, signature).catch(caught => caught);
        expect(error).to.be.instanceOf(InputError);
        expect(error.message).to.match(message);
      }));
  }

  it('has the gradients that TensorFlow.js takes by methods of tensors', () =>
    withoutLeak(async () => {
      const fast = await compile(
        x => lossAndGradients(w => sum(prod(w, 1)), x as Tensor).gradients,
        [{ shape: [1, 3] }],
      );
      expect([...(await fast({ data: Float32Array.of(2, 3, 5), shape: [1, 3] })).data]).to.deep.equal([15, 10, 6]);
      await fast.dispose();
    }));
});
