import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { gridPicture } from '../../../src/image/drawing/grid.js';
import { flat, pixel } from './pixels.js';

describe('gridPicture', () => {
  const panels = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ title: `panel ${i}`, picture: flat(40, 30, 10 + i) }));

  it('places every picture once, in reading order, each under its title', () => {
    const grid = gridPicture(panels(5), 3);
    const found = panels(5).map(({ picture }) => {
      const at: [number, number][] = [];
      for (let y = 0; y < grid.height; y++) {
        for (let x = 0; x < grid.width; x++) {
          if (pixel(grid, x, y).every(value => value === picture.data[0])) at.push([x, y]);
        }
      }
      return at;
    });
    for (const at of found) expect(at.length).to.equal(40 * 30);
    const corners = found.map(at => at[0]!);
    expect(corners[0]![1]).to.equal(corners[2]![1]);
    expect(corners[1]![0]).to.be.above(corners[0]![0] + 40);
    expect(corners[3]![1]).to.be.above(corners[0]![1] + 30);
    expect(corners[3]![0]).to.equal(corners[0]![0]);
    const above = Array.from({ length: corners[0]![1] * grid.width }, (_, i) => grid.data[i * 3]!);
    expect(Math.min(...above)).to.be.below(128);
  });

  it('centres smaller pictures and does without room for titles that are empty', () => {
    const mixed = [
      { title: '', picture: flat(20, 20, 1) },
      { title: '', picture: flat(10, 10, 2) },
    ];
    const grid = gridPicture(mixed, 2);
    expect(pixel(grid, Math.floor((grid.width * 3) / 4), Math.floor(grid.height / 2))).to.deep.equal([2, 2, 2]);
    const margin = grid.height - 20;
    expect(grid.width).to.equal(2 * 20 + margin + margin / 2);
  });

  it('chooses columns without a lonely last picture and takes more columns than panels', () => {
    const rowsOf = (count: number, columns?: number) => Math.round(gridPicture(panels(count), columns).height / 60);
    expect(rowsOf(1)).to.equal(1);
    expect(rowsOf(6)).to.equal(2);
    expect(rowsOf(7)).to.equal(2);
    expect(gridPicture(panels(2), 9)).to.deep.equal(gridPicture(panels(2), 2));
  });

  it('refuses no panels and bad columns', () => {
    expect(() => gridPicture([])).to.throw(InputError, /at least one panel/);
    for (const bad of [0, -1, 1.5, Number.NaN]) {
      expect(() => gridPicture(panels(2), bad), `${bad}`).to.throw(InputError, /whole number of columns/);
    }
  });
});
