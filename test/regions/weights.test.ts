import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import type { Box } from '../../src/regions/boxes.js';
import { boxWeights, maskWeights } from '../../src/regions/weights.js';
import { roiAlign } from '../../src/tensor/ops/roiAlign.js';
import { tensor1d, tensor2d, tensor4d, tidy } from '../../src/tensor/tfjs.js';
import { useEngine } from '../engine.js';
import { expectClose, findGolden, readGolden } from '../goldens.js';

const box = (left: number, top: number, right: number, bottom: number): Box => ({ left, top, right, bottom });
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a, (x, i) => x * b[i]!).reduce((s, x) => s + x);
const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);

describe('weights of a box', () => {
  before(useEngine);

  it('pool the toy map as reckoned by hand', () => {
    const map = Array.from({ length: 16 }, (_, i) => ((i % 4) ** 2 + 3 * Math.floor(i / 4)) % 7);
    const grid = { rows: 4, columns: 4 };
    for (const [shares, expected] of [
      [box(0, 0, 1, 1), 2.75],
      [box(0.25, 0.25, 0.75, 0.75), 1.75],
      [box(0.1, 0.2, 0.6, 0.9), 2.682222],
      [box(0, 0, 1 / 3, 1 / 2), 1.75],
      [box(0.9, 0.9, 1, 1), 4],
    ] as const) {
      expect(dot(boxWeights(shares, grid), map), JSON.stringify(shares)).to.be.closeTo(expected, 1e-6);
    }
  });

  it('pool as torchvision does, also boxes that stick out and boxes without area', () => {
    const golden = readGolden(findGolden('ops/roi_align.safetensors')!);
    const [rows, columns, channels] = [10, 12, 3];
    const features = golden.features!.data as Float32Array;
    const boxes = golden.boxes_batchindex_x1_y1_x2_y2!.data as Float32Array;
    const expected = golden['scale1.out1x1.sampling-1.aligned1.output']!.data as Float32Array;
    const pooled = Array.from({ length: boxes.length / 5 }, (_, i) => {
      const [image, x1, y1, x2, y2] = boxes.subarray(5 * i, 5 * i + 5) as unknown as number[];
      const shares = box(x1! / columns, y1! / rows, x2! / columns, y2! / rows);
      const weights = boxWeights(shares, { rows, columns });
      return Array.from({ length: channels }, (_, c) => {
        const start = (image! * channels + c) * rows * columns;
        return dot(weights, features.subarray(start, start + rows * columns));
      });
    });
    expectClose(pooled.flat(), expected, { maxAbs: 1e-5, relative: 1e-4 }, { shape: [boxes.length / 5, channels] });
  });

  it('equal the general RoIAlign on any box', () => {
    const corner = fc.float({ min: -0.5, max: 1.5, noNaN: true });
    const cells = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(corner, corner, corner, corner, cells, cells, (left, top, right, bottom, rows, columns) => {
        const weights = boxWeights(box(left, top, right, bottom), { rows, columns });
        const map = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(1 + i * 2.7));
        // Whole patches by the float32 product on both sides.
        const scaled = [left * columns, top * rows, right * columns, bottom * rows].map(Math.fround);
        const pooled = tidy(() => {
          const boxes = tensor2d(scaled, [1, 4]);
          const features = tensor4d(map, [1, rows, columns, 1]);
          return roiAlign(features, boxes, tensor1d([0], 'int32'), { size: [1, 1] }).dataSync<'float32'>();
        });
        expect(dot(weights, map)).to.be.closeTo(pooled[0]!, 2e-5);
      }),
      { numRuns: 100 },
    );
  });

  it('are the plain mean of the patches that a box of whole patches covers', () => {
    const weights = boxWeights(box(0.25, 0.5, 0.75, 1), { rows: 4, columns: 8 });
    const expected = Array.from({ length: 32 }, (_, i) => (i >= 16 && i % 8 >= 2 && i % 8 < 6 ? 1 / 8 : 0));
    expectClose(weights, expected, { maxAbs: 1e-7 });
  });

  it('add up to 1 for any box with an area inside the image', () => {
    const side = fc.float({ min: 0, max: 1, noNaN: true });
    const cells = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(side, side, side, side, cells, cells, (a, b, c, d, rows, columns) => {
        fc.pre(Math.abs(a - b) > 1e-3 && Math.abs(c - d) > 1e-3);
        const inside = box(Math.min(a, b), Math.min(c, d), Math.max(a, b), Math.max(c, d));
        const weights = boxWeights(inside, { rows, columns });
        expect(sum(weights)).to.be.closeTo(1, 1e-5);
        expect(weights.every(weight => weight >= 0)).to.equal(true);
      }),
      { numRuns: 200 },
    );
  });

  it('write over what was there', () => {
    const batch = new Float32Array(12).fill(9);
    const row = boxWeights(box(0, 0, 0.5, 1), { rows: 2, columns: 2 }, batch.subarray(4, 8));
    expect(row.buffer).to.equal(batch.buffer);
    expect([...batch]).to.deep.equal([...Array(4).fill(9), 0.5, 0, 0.5, 0, ...Array(4).fill(9)]);
  });

  it('are zero for a box without area, turned round, or far outside', () => {
    for (const empty of [box(0.3, 0.4, 0.3, 0.4), box(0.6, 0.1, 0.2, 0.9), box(3, 3, 4, 4), box(-1e30, 0, -1e29, 1)]) {
      expect(sum(boxWeights(empty, { rows: 3, columns: 5 }))).to.equal(0);
    }
  });

  it('of a box of any size take no time', () => {
    const weights = boxWeights(box(-1e6, 0, 1e6, 1), { rows: 2, columns: 4 });
    // 8e6 points, one each patch; those up to one patch outside count for the outermost.
    expect(sum(weights)).to.be.closeTo(6 / 8e6, 3 / 8e6);
    const huge = boxWeights(box(-3e38, -3e38, 3e38, 3e38), { rows: 2, columns: 4 });
    expect([...huge].every(Number.isFinite)).to.equal(true);
  });

  it('refuses numbers that are none and arrays of another length', () => {
    const grid = { rows: 2, columns: 2 };
    expect(() => boxWeights(box(0, Number.NaN, 1, 1), grid)).to.throw(
      InputError,
      /finite numbers, got \[0, NaN, 1, 1\]/,
    );
    expect(() => boxWeights(box(0, 0, Number.POSITIVE_INFINITY, 1), grid)).to.throw(InputError, /finite/);
    expect(() => boxWeights(box(0, 0, 1, 1), grid, new Float32Array(5))).to.throw(
      InputError,
      /into: expected 4 values/,
    );
  });
});

describe('weights of a mask', () => {
  it('are the mean over it', () => {
    expectClose(maskWeights([0, 1, 1, 0, 1, 1]), [0, 0.25, 0.25, 0, 0.25, 0.25], { maxAbs: 1e-9 });
    expectClose(maskWeights(new Float32Array([0.5, 1.5])), [0.25, 0.75], { maxAbs: 1e-7 });
  });

  it('are zero where the mask is empty', () => {
    const into = new Float32Array(4).fill(9);
    expect([...maskWeights(new Uint8Array(4), into)]).to.deep.equal([0, 0, 0, 0]);
  });

  it('refuses what is no mask', () => {
    for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      expect(() => maskWeights([0, bad])).to.throw(InputError, `from 0 up, got ${bad} at 1`);
    }
    expect(() => maskWeights([0, 1], new Float32Array(3))).to.throw(InputError, /into: expected 2 values, got 3/);
  });
});
