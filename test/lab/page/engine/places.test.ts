import { expect } from 'chai';
import fc from 'fast-check';
import { placesOf, windowOf, windowPixels } from '../../../../src/lab/page/engine/places.js';

describe('the places of patches', () => {
  it('has every cell in a window, in a patch that holds its centre wherever windows lie on patches', () => {
    const sizes = fc.record({
      height: fc.integer({ min: 12, max: 300 }),
      width: fc.integer({ min: 12, max: 300 }),
      stride: fc.constantFrom(12, 24, 48),
    });
    fc.assert(
      fc.property(sizes, ({ height, width, stride }) => {
        const places = placesOf({ height, width }, { window: 96, stride }, 12);
        const { rows, columns } = places.cells;
        for (const cell of [
          { row: 0, column: 0 },
          { row: rows - 1, column: columns - 1 },
          { row: Math.floor(rows / 2), column: 0 },
        ]) {
          const found = windowOf(places, cell, 12);
          const { y1, x1 } = places.windows[found.window]!;
          const off = [y1 + 12 * found.patch.row - 12 * cell.row, x1 + 12 * found.patch.column - 12 * cell.column];
          // The last windows end at the border, which need not be a multiple of the patch.
          expect(Math.max(...off.map(Math.abs))).to.be.below(12);
          if (height % 12 === 0 && width % 12 === 0) expect(off).to.deep.equal([0, 0]);
          expect(found.patch.row).to.be.within(0, places.grid.rows - 1);
          expect(found.patch.column).to.be.within(0, places.grid.columns - 1);
        }
      }),
    );
  });

  it('takes the window whose middle is nearest, the first of several', () => {
    const places = placesOf({ height: 192, width: 192 }, { window: 96, stride: 48 }, 12);
    expect(places.windows.length).to.equal(9);
    expect(windowOf(places, { row: 0, column: 0 }, 12)).to.deep.equal({ window: 0, patch: { row: 0, column: 0 } });
    expect(windowOf(places, { row: 8, column: 8 }, 12)).to.deep.equal({ window: 4, patch: { row: 4, column: 4 } });
    expect(windowOf(places, { row: 15, column: 7 }, 12)).to.deep.equal({ window: 7, patch: { row: 7, column: 3 } });
  });

  it('cuts the pixels of a window out of the planes', () => {
    const planes = { height: 3, width: 4, values: Float32Array.from({ length: 36 }, (_, i) => i) };
    const cut = windowPixels(planes, { y1: 1, x1: 2, y2: 3, x2: 4 }, { rows: 2, columns: 2 }, 1);
    expect(cut.shape).to.deep.equal([1, 3, 2, 2]);
    expect([...cut.data]).to.deep.equal([6, 7, 10, 11, 18, 19, 22, 23, 30, 31, 34, 35]);
  });
});
