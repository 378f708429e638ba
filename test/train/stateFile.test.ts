import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import type { Mapped, Values } from '../../src/tensor/compile.js';
import { startEngine } from '../../src/tensor/engine.js';
import { scalar, type Tensor, tensor1d, zeros } from '../../src/tensor/tfjs.js';
import { readState, writeState } from '../../src/train/stateFile.js';
import { atOnce } from '../../src/turns.js';
import { inTemporaryFolder } from '../files/temporary.js';

interface State {
  readonly flags: Tensor;
  readonly counts: readonly Tensor[];
  readonly weights: { readonly scale: Tensor; readonly weight: Tensor };
}

const like = (): State => ({
  flags: zeros([3], 'bool'),
  counts: [zeros([2], 'int32'), tensor1d([1])],
  weights: { scale: scalar(0), weight: zeros([2, 2]) },
});

describe('the file of a state', () => {
  before(() => startEngine('cpu'));

  it('gives back what was written, every bit, of every type', () =>
    inTemporaryFolder(dir => {
      const path = join(dir, 'a.safetensors');
      const floats = (length: number) => fc.float32Array({ minLength: length, maxLength: length });
      const arbitrary = fc.record({
        step: fc.nat(),
        seconds: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
        flags: fc.uint8Array({ minLength: 3, maxLength: 3, max: 1 }),
        counts: fc.int32Array({ minLength: 2, maxLength: 2 }),
        values: fc.tuple(floats(1), floats(1), floats(4)),
      });
      const form = like();
      fc.assert(
        fc.property(arbitrary, ({ step, seconds, flags, counts, values: [one, scale, weight] }) => {
          const state: Mapped<State, Values> = {
            flags: { data: flags, shape: [3], dtype: 'bool' },
            counts: [
              { data: counts, shape: [2], dtype: 'int32' },
              { data: one, shape: [1], dtype: 'float32' },
            ],
            weights: {
              scale: { data: scale, shape: [], dtype: 'float32' },
              weight: { data: weight, shape: [2, 2], dtype: 'float32' },
            },
          };
          atOnce(writeState<State>(path, { step, seconds, state }, 'hash'));
          expect(readState(path, form, 'hash')).to.deep.equal({ step, seconds, state });
        }),
        { numRuns: 50 },
      );
    }));

  it('refuses another structure, another configuration, and no file', () =>
    inTemporaryFolder(dir => {
      const path = join(dir, 'a.safetensors');
      const state = { weight: { data: Float32Array.of(1, 2), shape: [2] } };
      atOnce(writeState<{ weight: Tensor }>(path, { step: 1, seconds: 0, state }, 'hash'));
      const cases: [form: object, config: string, says: RegExp][] = [
        [{ weight: zeros([3]) }, 'hash', /expected 'weight' as F32 \[3\], got F32 \[2\]/],
        [{ weight: zeros([2], 'int32') }, 'hash', /expected 'weight' as I32 \[2\], got F32 \[2\]/],
        [{ weights: zeros([2]) }, 'hash', /expected 'weights' as F32 \[2\], got nothing/],
        [{ weight: zeros([2]) }, 'other', /of another configuration/],
      ];
      for (const [form, config, says] of cases) expect(() => readState(path, form, config)).to.throw(InputError, says);
      expect(() => readState(join(dir, 'none'), { weight: zeros([2]) }, 'hash')).to.throw(InputError, /none: /);
    }));
});
