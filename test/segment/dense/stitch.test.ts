import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { resizePlanes } from '../../../src/segment/dense/bilinear.js';
import { logitPlanes } from '../../../src/segment/dense/logits.js';
import { type StitchInput, stitch, type WindowLogits } from '../../../src/segment/dense/stitch.js';
import { padToMultiple, slidingWindows } from '../../../src/segment/dense/windows.js';
import { expectClose } from '../../goldens.js';
import { cases, methods, pipelineCase, stitchCase } from './pipelineGolden.js';

describe('stitch against the published pipelines', () => {
  for (const method of methods) {
    for (const name of cases) {
      it(`${method} ${name}: averaged logits at the photo's size`, function () {
        const golden = pipelineCase(this, name, method);
        const [height, width] = golden.output;
        const where = { name: `${method}.logits`, shape: [golden.queries, height, width] };
        expectClose(logitPlanes(stitchCase(golden)), golden.array(`${method}.logits`), { maxAbs: 1e-5 }, where);
      });
    }
  }

  it('gives a block of rows as it gives all rows', function () {
    const golden = pipelineCase(this, 'a', 'sclip');
    const dense = stitchCase(golden);
    const { queries, height, width } = dense;
    const all = logitPlanes(dense);
    const block = logitPlanes(dense, 17, 23);
    const expected = Array.from({ length: queries }, (_, q) =>
      Array.from(all.subarray((q * height + 17) * width, (q * height + 23) * width)),
    ).flat();
    expect(Array.from(block)).to.deep.equal(expected);
  });
});

/** The published steps one after the other: upsample, cut, add, divide, resize. Slow and plain. */
function stitchByTheBook({ windows, queries, inputHeight, inputWidth, outputHeight, outputWidth }: StitchInput) {
  const sums = new Float32Array(queries * inputHeight * inputWidth);
  const counts = new Float32Array(inputHeight * inputWidth);
  for (const w of windows) {
    const { left = 0, right = 0, top = 0, bottom = 0 } = w.padding ?? {};
    const height = w.y2 - w.y1 + top + bottom;
    const width = w.x2 - w.x1 + left + right;
    const enlarged = resizePlanes(w.logits, queries, [w.gridHeight, w.gridWidth], [height, width]);
    for (let y = w.y1; y < w.y2; y++) {
      for (let x = w.x1; x < w.x2; x++) {
        counts[y * inputWidth + x]!++;
        for (let q = 0; q < queries; q++) {
          const value = enlarged[(q * height + y - w.y1 + top) * width + x - w.x1 + left]!;
          sums[(q * inputHeight + y) * inputWidth + x]! += value;
        }
      }
    }
  }
  const means = sums.map((sum, i) => sum / counts[i % counts.length]!);
  return resizePlanes(means, queries, [inputHeight, inputWidth], [outputHeight, outputWidth]);
}

const side = fc.integer({ min: 3, max: 25 });

/** Any image, window, stride, patch and padding convention, with values from a fixed wave. */
const anyInput: fc.Arbitrary<StitchInput> = fc
  .record({
    inputHeight: side,
    inputWidth: side,
    outputHeight: side,
    outputWidth: side,
    crop: fc.integer({ min: 3, max: 30 }),
    step: fc.integer({ min: 1, max: 30 }),
    patch: fc.integer({ min: 1, max: 3 }),
    padded: fc.boolean(),
    queries: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ crop, step, patch, padded, ...sizes }) => {
    const windows = slidingWindows(sizes.inputHeight, sizes.inputWidth, crop, Math.min(step, crop));
    return {
      ...sizes,
      windows: windows.map((w, number): WindowLogits => {
        const padding = padToMultiple(w.y2 - w.y1, w.x2 - w.x1, patch);
        const cells = padded ? Math.ceil : Math.floor;
        const gridHeight = cells((w.y2 - w.y1) / patch);
        const gridWidth = cells((w.x2 - w.x1) / patch);
        const length = sizes.queries * gridHeight * gridWidth;
        const logits = Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7 + number));
        return { ...w, gridHeight, gridWidth, logits, ...(padded ? { padding } : {}) };
      }),
    };
  });

describe('stitch', () => {
  it('equals upsampling, cutting, averaging and resizing step by step', () => {
    fc.assert(
      fc.property(anyInput, input => {
        expectClose(logitPlanes(stitch(input)), stitchByTheBook(input), { maxAbs: 2e-6 });
      }),
      { numRuns: 150 },
    );
  });

  it('turns a constant into the same constant', () => {
    fc.assert(
      fc.property(anyInput, fc.float({ min: -1, max: 1, noNaN: true }), (input, value) => {
        const windows = input.windows.map(w => ({ ...w, logits: w.logits.map(() => value) }));
        const planes = logitPlanes(stitch({ ...input, windows }));
        expectClose(planes, new Float32Array(planes.length).fill(value), { maxAbs: 1e-6 });
      }),
      { numRuns: 50 },
    );
  });

  it('does not mind the order of windows', function () {
    const golden = pipelineCase(this, 'a', 'sclip');
    const forwards = logitPlanes(stitchCase(golden));
    const backwards = logitPlanes(stitchCase({ ...golden, windows: golden.windows.toReversed() }));
    expectClose(backwards, forwards, { maxAbs: 1e-7 });
  });

  it('stretches patches straight to the photo when the one window has its size', () => {
    const logits = Float32Array.from({ length: 2 * 3 * 4 }, (_, i) => Math.cos(i));
    const window = { y1: 0, x1: 0, y2: 17, x2: 31, gridHeight: 3, gridWidth: 4, logits };
    const sizes = { inputHeight: 17, inputWidth: 31, outputHeight: 17, outputWidth: 31 };
    const direct = resizePlanes(logits, 2, [3, 4], [17, 31]);
    expectClose(logitPlanes(stitch({ windows: [window], queries: 2, ...sizes })), direct, { maxAbs: 1e-6 });
  });

  const window: WindowLogits = { y1: 0, x1: 0, y2: 8, x2: 8, gridHeight: 2, gridWidth: 2, logits: new Float32Array(4) };
  const input: StitchInput = {
    windows: [window],
    queries: 1,
    inputHeight: 8,
    inputWidth: 8,
    outputHeight: 8,
    outputWidth: 8,
  };
  const bad: [string, Partial<StitchInput>, string][] = [
    ['no windows', { windows: [] }, 'no window covers y = 0'],
    ['a gap', { inputWidth: 9 }, 'no window covers x = 8'],
    ['a window outside', { inputHeight: 7 }, 'do not lie inside 7 x 8'],
    ['a window turned round', { windows: [{ ...window, y1: 8, y2: 0 }] }, 'do not lie inside'],
    ['too few logits', { queries: 2 }, 'expected 2 queries x 2 x 2 = 8 logits, got 4'],
    ['not a number', { windows: [{ ...window, logits: Float32Array.of(0, 1, Number.NaN, 0) }] }, 'not a finite number'],
    ['the same window twice', { windows: [window, window] }, 'expected a grid of 1 x 1 windows, got 2 (1 distinct)'],
    [
      'windows that are no grid',
      { windows: [window, { ...window, y2: 4 }, { ...window, x2: 4 }] },
      'expected a grid of 2 x 2 windows, got 3',
    ],
    [
      'windows of one band that differ',
      {
        windows: [
          { ...window, x2: 4 },
          { ...window, x1: 4, gridHeight: 4, gridWidth: 1 },
        ],
      },
      'differ in their patches or padding',
    ],
    ['a fraction', { outputHeight: 1.5 }, 'outputHeight: expected a whole number'],
    [
      'negative padding',
      { windows: [{ ...window, padding: { left: -1, right: 0, top: 0, bottom: 0 } }] },
      'padding left',
    ],
  ];
  for (const [name, change, message] of bad) {
    it(`refuses ${name}`, () => {
      expect(() => stitch({ ...input, ...change })).to.throw(InputError, message);
    });
  }

  it('refuses rows outside the photo and buffers too small', () => {
    const dense = stitch(input);
    expect(() => dense.row(8, new Float32Array(8))).to.throw(InputError, 'row: y');
    expect(() => dense.row(0, new Float32Array(7))).to.throw(InputError, 'expected room for 8 values, got 7');
    expect(() => logitPlanes(dense, 3, 3)).to.throw(InputError, 'logitPlanes: end row');
    expect(() => logitPlanes(dense, 0, 9)).to.throw(InputError, 'logitPlanes: end row');
  });

  it('refuses to lay out more than 2 GiB before taking the memory', () => {
    const huge = { ...input, outputHeight: 40_000, outputWidth: 40_000 };
    expect(() => logitPlanes(stitch(huge))).to.throw(InputError, 'would pass 2 GiB');
  });
});
