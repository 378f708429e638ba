import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { compile } from '../../src/tensor/compile.js';
import { startEngine } from '../../src/tensor/engine.js';
import { enableGradients } from '../../src/tensor/gradients.js';
import { lossAndGradients } from '../../src/tensor/lossAndGradients.js';
import { type RoiAlignOptions, roiAlign } from '../../src/tensor/ops/roiAlign.js';
import {
  dispose,
  div,
  mul,
  slice,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tensor1d,
  tensor2d,
  tidy,
  transpose,
} from '../../src/tensor/tfjs.js';
import { withoutLeak } from '../engine.js';
import { expectClose, findGolden, type GoldenTensor, readGolden } from '../goldens.js';

const golden = readGolden(findGolden('ops/roi_align.safetensors')!);
const of = ({ data, shape }: GoldenTensor) => tensor(data as Float32Array, shape);
const tolerance = { maxAbs: 1e-5, relative: 1e-4 };

/** The inputs of the goldens, channels last. */
function inputs(scale: number) {
  const rows = golden.boxes_batchindex_x1_y1_x2_y2!;
  const [count] = rows.shape as [number];
  const column = (i: number) => (rows.data as Float32Array)[i]!;
  return tidy(() => ({
    features: transpose(of(golden.features!), [0, 2, 3, 1]) as Tensor4D,
    boxes: div(slice(of(rows), [0, 1], [-1, 4]), scale) as Tensor2D,
    images: tensor1d(
      Array.from({ length: count }, (_, k) => column(5 * k)),
      'int32',
    ) as Tensor1D,
  }));
}

/** The gradient that the goldens were made with, channels last: `cos` of as many steps from -1 to 1. */
function upstream(shape: readonly number[]): Tensor4D {
  const size = shape.reduce((product, axis) => product * axis, 1);
  const values = Float32Array.from({ length: size }, (_, i) => Math.cos(size > 1 ? -1 + (2 * i) / (size - 1) : -1));
  return tidy(() => transpose<Tensor>(tensor(values, [...shape]), [0, 2, 3, 1])) as Tensor4D;
}

const pattern = /^scale([\d.]+)\.out(\d+)x(\d+)\.sampling(-?\d+)\.aligned(\d)\.output$/;

describe('roiAlign', () => {
  before(() => startEngine('cpu'));
  before(() => enableGradients());

  for (const [name, { data, shape }] of Object.entries(golden)) {
    const found = pattern.exec(name);
    if (!found) continue;
    const [scale, rows, columns, points, aligned] = found.slice(1).map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const options: RoiAlignOptions = {
      size: [rows, columns],
      scale,
      sampling: points < 0 ? 'adaptive' : points,
      aligned: aligned === 1,
    };
    const slopes = golden[name.replace('output', 'grad_features')]!;
    const both = (features: Tensor4D, boxes: Tensor2D, images: Tensor1D, dy: Tensor4D) => {
      const output = transpose(roiAlign(features, boxes, images, options), [0, 3, 1, 2]);
      const loss = (x: Tensor4D) => sum(mul(roiAlign(x, boxes, images, options), dy));
      return { output, slopes: transpose(lossAndGradients(loss, features).gradients, [0, 3, 1, 2]) };
    };

    it(`${name} and gradient, eagerly`, () =>
      withoutLeak(() =>
        tidy(() => {
          const { features, boxes, images } = inputs(scale);
          const actual = both(features, boxes, images, upstream(shape));
          expect(actual.output.shape).to.deep.equal(shape);
          expectClose(actual.output.dataSync(), data as Float32Array, tolerance, { name, shape });
          expectClose(actual.slopes.dataSync(), slopes.data as Float32Array, tolerance, {
            name: 'gradient',
            ...slopes,
          });
        }),
      ));

    it(`${name} and gradient, compiled`, () =>
      withoutLeak(async () => {
        const { features, boxes, images } = inputs(scale);
        const dy = upstream(shape);
        const free = points > 0;
        // With as many points as the boxes are long, the boxes are known; else any number of them goes in.
        const fast = free
          ? await compile(both as never, [
              { shape: features.shape },
              { shape: ['batch', 4] },
              { shape: ['batch'], dtype: 'int32' },
              { shape: ['batch', rows, columns, 3] },
            ])
          : await compile(((x: Tensor4D, d: Tensor4D) => both(x, boxes, images, d)) as never, [
              { shape: features.shape },
              { shape: dy.shape },
            ]);
        const given = free ? [features, boxes, images, dy] : [features, dy];
        const actual = (await fast(...given)) as ReturnType<typeof both>;
        expectClose(actual.output.dataSync(), data as Float32Array, tolerance, { name, shape });
        expectClose(actual.slopes.dataSync(), slopes.data as Float32Array, tolerance, { name: 'gradient', ...slopes });
        dispose([actual, given, boxes, images] as never);
        await fast.dispose();
      }));
  }

  it('gives nothing for no boxes, and zeros for a box without extent', () =>
    withoutLeak(() =>
      tidy(() => {
        const { features } = inputs(1);
        const empty = roiAlign(features, tensor2d([], [0, 4]), tensor1d([], 'int32'), { size: [2, 3] });
        expect(empty.shape).to.deep.equal([0, 2, 3, 3]);
        const box = tensor2d([3, 4, 3, 9, 1, 1, 5, 5], [2, 4]);
        const [flat, full] = roiAlign(features, box, tensor1d([0, 1], 'int32'), { size: [1, 1] }).arraySync();
        expect(flat).to.deep.equal([[[0, 0, 0]]]);
        expect(full).to.not.deep.equal(flat);
      }),
    ));

  it('refuses other shapes, types and options, and to look at boxes that are inputs', () =>
    withoutLeak(async () => {
      const { features, boxes, images } = inputs(1);
      const refusal = (f: () => unknown) => expect(f).to.throw(InputError);
      const size = [2, 2] as const;
      refusal(() => roiAlign(boxes as never, boxes, images, { size }))
        .with.property('message')
        .match(/features float32 \[b/);
      refusal(() => roiAlign(features, features as never, images, { size }))
        .with.property('message')
        .match(/boxes float32/);
      const one = tensor1d([1], 'int32');
      refusal(() => roiAlign(features, boxes, one, { size }))
        .with.property('message')
        .match(/int32 \[8\]/);
      refusal(() => roiAlign(features, boxes, images, { size: [0, 2] }))
        .with.property('message')
        .match(/size: .*\[0,2\]/);
      refusal(() => roiAlign(features, boxes, images, { size, sampling: 0.5 }))
        .with.property('message')
        .match(/sampling/);
      refusal(() => roiAlign(features, boxes, images, { size, scale: 0 }))
        .with.property('message')
        .match(/scale/);
      const error = await compile(x => roiAlign(features, x as Tensor2D, images, { size }), [{ shape: [8, 4] }]).catch(
        e => e,
      );
      expect(error).to.be.instanceOf(InputError);
      expect(error.message).to.match(/reads the values/);
      dispose([features, boxes, images, one] as never);
    }));
});
