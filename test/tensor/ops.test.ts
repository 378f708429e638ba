import { grads } from '@tensorflow/tfjs-core';
import { expect } from 'chai';
import { gelu, quickGelu } from '../../src/tensor/ops/gelu.js';
import { headProduct, mergeHeads, splitHeads } from '../../src/tensor/ops/heads.js';
import { layerNorm } from '../../src/tensor/ops/layerNorm.js';
import { linear } from '../../src/tensor/ops/linear.js';
import { type ResizeMode, resize } from '../../src/tensor/ops/resize.js';
import { unitLength } from '../../src/tensor/ops/unitLength.js';
import {
  add,
  type Heads,
  matMul,
  reshape,
  softmax,
  type Tensor,
  type Tensor1D,
  type Tensor3D,
  type Tokens,
  tensor,
  tidy,
  transpose,
} from '../../src/tensor/tfjs.js';
import { engineUnderTest, useEngine, withoutLeak } from '../engine.js';
import { expectClose, findGolden, type GoldenTensor, readGolden } from '../goldens.js';

const tolerance = { maxAbs: 1e-5, relative: 1e-4 };
const of = <T extends Tensor>({ data, shape }: GoldenTensor) => tensor(data as Float32Array, shape) as T;

describe('ops against PyTorch', () => {
  before(useEngine);
  const pointwise = readGolden(findGolden('ops/pointwise.safetensors')!);

  function check(name: string, f: () => Tensor, allowed: { maxAbs: number; relative?: number } = tolerance) {
    it(name, () =>
      withoutLeak(() =>
        tidy(() => {
          const { data, shape } = pointwise[name]!;
          const actual = f();
          expect(actual.shape).to.deep.equal(shape);
          expectClose(actual.dataSync(), data as Float32Array, allowed, { name, shape });
        }),
      ),
    );
  }

  check('quick_gelu.output', () => quickGelu(of(pointwise['activation.input']!)));
  check('gelu_erf.output', () => gelu(of(pointwise['activation.input']!)));
  check('softmax.output', () => softmax(of(pointwise['softmax.input']!)));
  check('normalize.f_normalize_eps1e-12', () => unitLength(of(pointwise['normalize.input']!)));

  check('causal_softmax.output', () => {
    const n = 9;
    const mask = Float32Array.from({ length: n * n }, (_, i) => (i % n > Math.floor(i / n) ? -Infinity : 0));
    return softmax(add(of(pointwise['causal_softmax.input']!), tensor(mask, [n, n])));
  });

  for (const epsilon of ['1e-05', '1e-06', '1e-12']) {
    it(`layer_norm.eps${epsilon}`, () =>
      withoutLeak(() =>
        tidy(() => {
          const norm = {
            weight: of<Tensor1D>(pointwise['layer_norm.weight']!),
            bias: of<Tensor1D>(pointwise['layer_norm.bias']!),
          };
          const input = pointwise['layer_norm.input']!;
          const actual = layerNorm(of(input), norm, Number(epsilon)).dataSync();
          const expected = pointwise[`layer_norm.eps${epsilon}.output`]!.data as Float32Array;
          const width = input.shape[1]!;
          for (let row = 0; row < input.shape[0]!; row++) {
            const values = input.data.subarray(row * width, (row + 1) * width) as Float32Array;
            // The manifest allows 1e-3 for the rows scaled by 1000 or shifted by 500.
            const large = values.some(x => Math.abs(x) > 100);
            const part = (x: ArrayLike<number>) => Array.prototype.slice.call(x, row * width, (row + 1) * width);
            expectClose(part(actual), part(expected), large ? { maxAbs: 1e-3 } : tolerance, { name: `row ${row}` });
          }
        }),
      ));
  }

  it('patch convolution as a matrix product', () =>
    withoutLeak(() =>
      tidy(() => {
        const [b, c, h, w] = [2, 3, 32, 48];
        const x = reshape<Tensor>(of(pointwise['patch_conv.input']!), [b, c, h / 16, 16, w / 16, 16]);
        const rows = reshape<Tensor3D>(transpose(x, [0, 2, 4, 1, 3, 5]), [b, 6, c * 256]);
        const weight = transpose(reshape<Tensor>(of(pointwise['patch_conv.weight']!), [5, c * 256]));
        const y = transpose(linear(rows, { weight: weight as never }), [0, 2, 1]);
        expectClose(y.dataSync(), pointwise['patch_conv.output']!.data as Float32Array, tolerance);
      }),
    ));

  describe('interpolate', () => {
    const golden = readGolden(findGolden('ops/interpolate.safetensors')!);
    const [, channels, rows, columns] = golden.input!.shape as [number, number, number, number];
    const pattern =
      /^(bicubic|bilinear)\.(?:align_corners(\d)\.antialias(\d)\.|scale_factor([\d.]+)x([\d.]+)\.recompute(\d))/;
    for (const [name, { data, shape }] of Object.entries(golden)) {
      const found = pattern.exec(name);
      if (!found) continue;
      const [, kernel, corners, antialias, rowScale, columnScale, recompute] = found;
      const mode: ResizeMode = {
        kernel: kernel as ResizeMode['kernel'],
        alignCorners: corners === '1',
        antialias: antialias === '1',
        ...(recompute === '0' && { scale: [Number(rowScale), Number(columnScale)] as const }),
      };
      it(name, () =>
        withoutLeak(() =>
          tidy(() => {
            const input = reshape<Tensor3D>(of(golden.input!), [channels, rows, columns]);
            const [, , height, width] = shape as [number, number, number, number];
            const actual = transpose(resize(transpose(input, [1, 2, 0]), height, width, mode), [2, 0, 1]);
            expectClose(actual.dataSync(), data as Float32Array, { maxAbs: 2e-5, relative: 1e-4 }, { name, shape });
          }),
        ),
      );
    }

    it('refuses a target without size', () => {
      expect(() => tidy(() => resize(tensor([1], [1, 1, 1]) as Tensor3D, 0, 3, { kernel: 'bilinear' }))).to.throw(
        'resize: expected a positive whole height and width, got 0 x 3',
      );
    });
  });
});

describe('ops against their definition', () => {
  before(useEngine);
  const values = (shape: number[], seed: number) =>
    tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * seed + seed)),
      shape,
    );

  it('linear refuses another width, with both shapes', () =>
    withoutLeak(() =>
      tidy(() => {
        const weight = values([3, 2], 1) as never;
        expect(() => linear(values([2, 4], 1), { weight })).to.throw('linear: expected [..., 3], got [2,4]');
      }),
    ));

  it('splitHeads and mergeHeads undo each other', () =>
    tidy(() => {
      const x = values([2, 5, 12], 0.7) as Tokens;
      expectClose(mergeHeads(splitHeads(x, 3)).dataSync(), x.dataSync(), { maxAbs: 0 });
    }));

  // Elsewhere the gradient is TensorFlow.js' own, which is not registered in Node.
  if (engineUnderTest === 'wasm') {
    for (const transposeB of [false, true]) {
      it(`headProduct has the gradients of a matrix product${transposeB ? ', second transposed' : ''}`, () =>
        withoutLeak(() =>
          tidy(() => {
            const a = values([2, 3, 40, 16], 0.31) as Heads;
            const b = values([2, 3, 16, 50], 0.17) as Heads;
            const dy = values([2, 3, 40, 50], 0.23) as Heads;
            const second = transposeB ? transpose(b, [0, 1, 3, 2]) : b;
            const f = (x: Tensor, y: Tensor) => headProduct(x as Heads, y as Heads, transposeB);
            const [da, db] = grads(f)([a, second], dy) as [Tensor, Tensor];
            expectClose(da.dataSync(), matMul(dy, b, false, true).dataSync(), { maxAbs: 1e-4 });
            const expected = transposeB ? matMul(dy, a, true) : matMul(a, dy, true);
            expectClose(db.dataSync(), expected.dataSync(), { maxAbs: 1e-4 });
          }),
        ));
    }
  }

  // One size below and one above where wasm changes from one batched product to a product a head.
  for (const [n, m, k] of [
    [5, 7, 3],
    [150, 64, 130],
  ] as const) {
    it(`headProduct of [${n}, ${m}] and [${m}, ${k}] is the batched product`, () =>
      withoutLeak(() =>
        tidy(() => {
          const a = values([2, 3, n, m], 0.31) as Heads;
          const b = values([2, 3, m, k], 0.17) as Heads;
          const expected = matMul(a, b).dataSync();
          expectClose(headProduct(a, b).dataSync(), expected, { maxAbs: 1e-4 });
          const turned = transpose(b, [0, 1, 3, 2]) as Heads;
          expectClose(headProduct(a, turned, true).dataSync(), expected, { maxAbs: 1e-4 });
        }),
      ));
  }
});
