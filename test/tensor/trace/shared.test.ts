/** Tensors that share their values with others, and what becomes of them while a function is compiled. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { compile, type InputSpec, type Values } from '../../../src/tensor/compile.js';
import { startEngine } from '../../../src/tensor/engine.js';
import { setBackend } from '../../../src/tensor/internals.js';
import { rememberPlace } from '../../../src/tensor/stored.js';
import {
  add,
  cast,
  dispose,
  matMul,
  mul,
  reshape,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '../../../src/tensor/tfjs.js';
import { turn } from '../../../src/turns.js';
import { withoutLeak } from '../../engine.js';
import { inTemporaryFolder } from '../../files/temporary.js';

const two: InputSpec[] = [{ shape: ['batch', 2] }];
const rows = (...data: number[]): Values => ({ data: Float32Array.from(data), shape: [data.length / 2, 2] });

async function once(fn: (x: Tensor2D) => Tensor, inputs: Values[], lift: Tensor[] = []): Promise<number[]> {
  const fast = await compile(fn as (x: Tensor) => Tensor, two, { lift });
  const { data } = await fast(...inputs);
  await fast.dispose();
  return [...data];
}

for (const engine of ['cpu', 'wasm'] as const) {
  describe(`tensors that share their values, ${engine}`, () => {
    before(() => startEngine(engine));

    it('have each its own shape', () =>
      withoutLeak(async () => {
        const list = tensor1d([1, 2, 3, 4]);
        const matrix = reshape<Tensor2D>(list, [2, 2]);
        const fn = (x: Tensor2D) => add(add(matMul(x, matrix), sum(list)), matMul(x, reshape<Tensor2D>(list, [2, 2])));
        expect(await once(fn, [rows(1, 1)])).to.deep.equal([18, 22]);
        const other = (x: Tensor2D) => add(sum(list), matMul(x, matrix));
        expect(await once(other, [rows(1, 1)])).to.deep.equal([14, 16]);
        dispose([list, matrix]);
      }));

    it('have each its own type', () =>
      withoutLeak(async () => {
        const whole = tensor1d([1, 2], 'int32');
        const real = cast<Tensor1D>(whole, 'float32');
        const flags = tensor1d([true, false], 'bool');
        const mask = cast<Tensor1D>(flags, 'float32');
        expect(await once(x => mul(x, real), [rows(3, 4)])).to.deep.equal([3, 8]);
        expect(await once(x => mul(x, mask), [rows(3, 4)])).to.deep.equal([3, 0]);
        expect(await once(x => add(mul(x, real), cast(whole, 'float32')), [rows(3, 4)])).to.deep.equal([4, 10]);
        dispose([whole, real, flags, mask]);
      }));

    it('are lifted together', () =>
      withoutLeak(async () => {
        const list = tensor1d([1, 2, 3, 4]);
        const matrix = reshape<Tensor2D>(list, [2, 2]);
        const fives = { data: new Float32Array(4).fill(5), shape: [4] };
        expect(await once(x => matMul(x, matrix), [rows(1, 2), fives], [list])).to.deep.equal([15, 15]);
        dispose([list, matrix]);
      }));

    it('may be given to a call as what they were cast to', () =>
      withoutLeak(async () => {
        const whole = tensor2d([[1, 2]], [1, 2], 'int32');
        const real = cast(whole, 'float32');
        const fast = await compile((x: Tensor) => mul(x, 0.5), two);
        const half = await fast(real);
        expect([...half.dataSync()]).to.deep.equal([0.5, 1]);
        dispose([whole, real, half]);
        await fast.dispose();
      }));

    it('keep their place in a file under another shape', () =>
      withoutLeak(() =>
        inTemporaryFolder(async folder => {
          const path = join(folder, 'weights');
          writeFileSync(path, new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer));
          // The file holds the transpose of the matrix, as checkpoints do.
          const matrix = tensor2d([1, 4, 2, 5, 3, 6], [3, 2]);
          const slice = { path, offset: 0, length: 24, check() {} };
          rememberPlace(matrix, { slice, dtype: 'float32', transposed: true });
          const other = reshape<Tensor2D>(matrix, [2, 3]);
          expect(await once(x => matMul(x, other), [rows(1, 10)])).to.deep.equal([51, 34, 62]);
          expect(await once(x => add(x, sum(matMul(other, matrix), 0)), [rows(0, 0)])).to.deep.equal([
            ...tidy(() => sum(matMul(other, matrix), 0).dataSync()),
          ]);
          dispose([matrix, other]);
        }),
      ));
  });
}

describe('a tensor that the function uses, while it is compiled,', () => {
  before(() => startEngine('wasm'));

  it('may not be disposed', () =>
    withoutLeak(async () => {
      const messages = new Set<string>();
      for (let turns = 0; turns < 30; turns++) {
        const weight = tensor1d(Array.from({ length: 300 }, (_, i) => i));
        const compiling = compile((x: Tensor) => mul(x, weight), [{ shape: ['batch', 300] }]);
        const outcome = compiling.then(
          async fast => {
            const { data } = await fast({ data: new Float32Array(300).fill(1), shape: [1, 300] });
            expect(data[299]).to.equal(299);
            await fast.dispose();
          },
          error => {
            expect(error, `after ${turns} turns`).to.be.instanceOf(InputError);
            messages.add(error.message);
          },
        );
        for (let i = 0; i < turns; i++) await turn();
        weight.dispose();
        await outcome;
      }
      expect([...messages].join('\n')).to.match(/a tensor that the function uses was disposed before compile was done/);
    }));

  it('may move to another engine', () =>
    withoutLeak(async () => {
      const weight = tensor1d(Array.from({ length: 300 }, (_, i) => i));
      const compiling = compile((x: Tensor) => mul(x, weight), [{ shape: ['batch', 300] }]);
      for (let i = 0; i < 4; i++) await turn();
      await startEngine('cpu');
      tidy(() => add(weight, 1).dataSync());
      await setBackend('wasm');
      const fast = await compiling;
      const { data } = await fast({ data: new Float32Array(300).fill(1), shape: [1, 300] });
      expect(data[299]).to.equal(299);
      await fast.dispose();
      weight.dispose();
    }));
});
