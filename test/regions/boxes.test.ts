import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import { type Box, enlarged, gridCells, gridChoices, inPixels, inSquare, normalised } from '../../src/regions/boxes.js';
import { expectClose, findGolden, type GoldenTensor, readGolden } from '../goldens.js';

const golden = readGolden(findGolden('clipself/crops.safetensors')!);
const valuesOf = (boxes: readonly Box[]) => boxes.flatMap(({ left, top, right, bottom }) => [left, top, right, bottom]);
const rowsOf = ({ data }: GoldenTensor) => {
  const values = Array.from(data as Float32Array);
  return Array.from({ length: values.length / 4 }, (_, i) => values.slice(4 * i, 4 * i + 4) as Quadruple);
};
type Quadruple = [number, number, number, number];
const box = (left: number, top: number, right: number, bottom: number): Box => ({ left, top, right, bottom });

describe('boxes of an image', () => {
  it('cut for distillation: the 24 published grids', () => {
    const expected = Array.from(golden.grid_choices_rows_columns!.data as BigInt64Array, Number);
    expect(gridChoices(6).flat()).to.deep.equal(expected);
  });

  it('have 15 cells on average, 13 after the cap of 20', () => {
    const counts = gridChoices(6).map(([rows, columns]) => rows * columns);
    const sum = (values: number[]) => values.reduce((a, b) => a + b);
    expect(sum(counts)).to.equal(361);
    expect(sum(counts.map(count => Math.min(count, 20))) / 24).to.equal(13);
    expect(counts.filter(count => count > 20)).to.have.length(6);
  });

  it('cells, to the last bit', () => {
    for (const [name, tensor] of Object.entries(golden)) {
      const found = /^grid_boxes\/(\d+)x(\d+)$/.exec(name);
      if (!found) continue;
      const cells = gridCells(Number(found[1]), Number(found[2]));
      expectClose(valuesOf(cells), tensor.data as Float32Array, { maxAbs: 0 }, { name });
    }
  });

  for (const [image, width, height] of [
    ['image0', 200, 150],
    ['image1', 121, 183],
  ] as const) {
    it(`${image}: proposals in the student's square, and 1.5 times as large for the teacher`, () => {
      // Stored in float32, but decimal numbers of the annotations before: it matters to the last bit.
      const decimals = rowsOf(golden[`${image}.proposals_xywh`]!).map(row => row.map(v => Math.round(v * 100) / 100));
      const proposals = (decimals as Quadruple[]).map(([x, y, w, h]) => box(x, y, x + w, y + h));
      const square = proposals.map(proposal => inSquare(proposal, width, height, 128));
      const expected = golden[`${image}.proposal.boxes_normalised`]!.data as Float32Array;
      expectClose(valuesOf(square), expected, { maxAbs: 0 });
      const crops = proposals.map(proposal => enlarged(proposal, 1.5, width, height));
      const rounded = Array.from(golden[`${image}.proposal.crop_boxes_xyxy_rounded`]!.data as BigInt64Array, Number);
      expect(valuesOf(crops).map(Math.round)).to.deep.equal(rounded);
    });
  }

  it('cells in the square, to the last bit', () => {
    for (const [image, width, height, rows, columns] of [
      ['image0.grid2x3', 200, 150, 2, 3],
      ['image1.grid3x2', 121, 183, 3, 2],
    ] as const) {
      const square = gridCells(rows, columns).map(cell => inSquare(inPixels(cell, width, height), width, height, 128));
      expectClose(valuesOf(square), golden[`${image}.boxes_normalised`]!.data as Float32Array, { maxAbs: 0 });
    }
  });

  it('are cut off where they stick out', () => {
    expect(normalised(box(-10, 5, 50, 200), 100, 100)).to.deep.equal(box(0, Math.fround(0.05), 0.5, 1));
    expect(enlarged(box(0, 0, 20, 40), 2, 100, 50)).to.deep.equal(box(0, 0, 30, 50));
    expect(inSquare(box(-1, 0, 200, 50), 100, 50, 64)).to.deep.equal(box(0, 0, 1, 0.5));
  });

  it('stay where they are and inside, whatever the factor', () => {
    const side = fc.double({ min: 0, max: 1, noNaN: true });
    const factor = fc.double({ min: 1, max: 10, noNaN: true });
    fc.assert(
      fc.property(side, side, side, side, factor, (a, b, c, d, times) => {
        const [left, right] = [Math.min(a, b) * 60, Math.max(a, b) * 60];
        const [top, bottom] = [Math.min(c, d) * 40, Math.max(c, d) * 40];
        fc.pre(right - left > 1e-3 && bottom - top > 1e-3);
        const grown = enlarged(box(left, top, right, bottom), times, 60, 40);
        const most = 1e-9;
        expect(grown.left).to.be.within(0, left + most);
        expect(grown.top).to.be.within(0, top + most);
        expect(grown.right).to.be.within(right - most, 60);
        expect(grown.bottom).to.be.within(bottom - most, 40);
        const width = Math.min((right - left) * times, 60);
        expect(grown.right - grown.left).to.be.at.most(width + most);
      }),
    );
  });

  const bad: Record<string, [Box, RegExp]> = {
    'to the right of the image': [box(100, 0, 120, 50), /a part inside 100 x 50 pixels, got \[100, 0, 120, 50\]/],
    'above it': [box(0, -20, 10, 0), /part inside/],
    'without width': [box(5, 5, 5, 20), /left < right/],
    'turned round': [box(20, 5, 5, 20), /left < right/],
    'with no number': [box(Number.NaN, 5, 5, 20), /got \[NaN, 5, 5, 20\]/],
    'without end': [box(0, 0, Number.POSITIVE_INFINITY, 20), /got \[0, 0, Infinity, 20\]/],
  };
  for (const [what, [given, message]] of Object.entries(bad)) {
    it(`refuses a box ${what}`, () => {
      expect(() => normalised(given, 100, 50)).to.throw(InputError, message);
      expect(() => inSquare(given, 100, 50, 64)).to.throw(InputError, message);
      expect(() => enlarged(given, 1, 100, 50)).to.throw(InputError, /^enlarged: expected left < right/);
    });
  }

  it('refuses an image without area, a factor that is none, and grids that cannot be', () => {
    expect(() => normalised(box(0, 0, 1, 1), 0, 50)).to.throw(InputError, /image with an area, got 0 x 50/);
    for (const factor of [0, -1, Number.NaN]) {
      expect(() => enlarged(box(0, 0, 1, 1), factor, 9, 9)).to.throw(InputError, /factor over 0/);
    }
    for (const split of [0, 1.5, 65, Number.NaN]) expect(() => gridChoices(split)).to.throw(InputError, /1 to 64/);
    expect(() => gridCells(0, 3)).to.throw(InputError, /1 to 1024/);
    expect(() => gridCells(3, 1e9)).to.throw(InputError, /1 to 1024/);
  });
});
