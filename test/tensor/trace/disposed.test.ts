/** Tensors that are no more, met while a function is recorded. */
import { grad } from '@tensorflow/tfjs-core';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { compile } from '../../../src/tensor/compile.js';
import { enableGradients } from '../../../src/tensor/gradients.js';
import {
  add,
  concat,
  getBackend,
  keep,
  matMul,
  mul,
  square,
  sum,
  type Tensor,
  type Tensor2D,
  tensor2d,
} from '../../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../../engine.js';

const signature = [{ shape: ['batch', 2] }] as const;

/** A tensor that has been freed. */
function gone(): Tensor2D {
  const tensor = tensor2d([1, 2, 3, 4], [2, 2]);
  tensor.dispose();
  return tensor;
}

describe('a tensor that has been disposed is refused', () => {
  before(useEngine);
  before(() => enableGradients());

  const refused = (fn: (x: Tensor2D) => unknown, message: RegExp, lift: unknown[] = []) =>
    withoutLeak(async () => {
      const backend = getBackend();
      const error = await compile(fn as () => object, signature, { lift: lift as Tensor[] }).catch(caught => caught);
      expect(error).to.be.instanceOf(InputError);
      expect(error.message).to.match(message);
      expect(getBackend()).to.equal(backend);
    });

  const cases: [string, (x: Tensor2D) => unknown, RegExp][] = [
    [
      'by an operation',
      x => matMul(x, gone()),
      /^compile: the function gives 'BatchMatMul' a tensor that has been disp/,
    ],
    ['among others', x => concat([x, gone()]), /gives 'Concat' a tensor that has been disposed/],
    ['as a result', gone, /the function returns a tensor that has been disposed/],
    ['when it is read', x => mul(x, gone().dataSync()[0]!), /the function reads a tensor that has been disposed/],
    [
      'when the function itself disposed it',
      x => {
        const made = square(x);
        made.dispose();
        return add(x, made);
      },
      /gives 'Add' a tensor that has been disposed/,
    ],
    [
      'while a gradient is taken',
      x => grad((y: Tensor) => sum(matMul(y as Tensor2D, gone())))(x),
      /gives 'BatchMatMul' a tensor that has been disposed/,
    ],
  ];
  for (const [where, fn, message] of cases) it(where, () => refused(fn, message));

  it('as one to lift, as is what is no tensor', async () => {
    await refused(x => x, /lift: tensor 0 has been disposed/, [gone()]);
    await refused(x => x, /lift: expected tensors, got number/, [3]);
  });

  it('like one of an earlier recording', () =>
    withoutLeak(async () => {
      let kept: Tensor2D | undefined;
      const fn = (x: Tensor2D) => {
        kept ??= keep(square(x));
        return add(x, kept);
      };
      const error = await compile(fn, signature).catch(caught => caught);
      kept!.dispose();
      expect(error).to.be.instanceOf(InputError);
      expect(error.message).to.match(/gives 'Add' a tensor that an earlier recording made/);
    }));
});
