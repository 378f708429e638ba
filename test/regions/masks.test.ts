import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import { maskToGrid } from '../../src/regions/masks.js';
import { expectClose, findGolden, readGolden } from '../goldens.js';

describe('masks on the grid of patches', () => {
  const golden = readGolden(findGolden('clipself/dense_boxes_masks.safetensors')!);
  for (const antialias of [false, true]) {
    for (const i of [0, 1, 2, 3]) {
      it(`as torchvision ${antialias ? 'from 0.17 on' : 'before 0.17'}: mask ${i}`, () => {
        const { data, shape } = golden[`mask_to_grid/${i}.mask`]!;
        const grid = maskToGrid(data as Uint8Array, shape[1]!, shape[0]!, 8, { antialias });
        const expected = golden[`mask_to_grid/${i}.grid8.${antialias ? 'antialias' : 'no_antialias'}`]!;
        expectClose(grid, expected.data as Uint8Array, { maxAbs: 0 }, { shape: expected.shape });
      });
    }
  }

  it('are not antialiased unless asked: a line between the sampled pixels is lost', () => {
    const mask = new Uint8Array(64 * 64);
    mask.fill(1, 20 * 64, 21 * 64);
    const count = (grid: Uint8Array) => grid.reduce((total, cell) => total + cell, 0);
    expect(count(maskToGrid(mask, 64, 64, 4))).to.equal(0);
    expect(count(maskToGrid(mask, 64, 64, 4, { antialias: true }))).to.be.at.least(4);
  });

  it('are never lost with antialiasing', () => {
    const sides = fc.record({ width: fc.integer({ min: 1, max: 60 }), height: fc.integer({ min: 1, max: 60 }) });
    const pixels = fc.array(fc.nat(), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(sides, pixels, fc.integer({ min: 1, max: 12 }), ({ width, height }, at, side) => {
        const mask = new Uint8Array(width * height);
        for (const i of at) mask[i % mask.length] = 1;
        expect([...maskToGrid(mask, width, height, side, { antialias: true })]).to.include(1);
      }),
    );
  });

  it('fill no more than the picture of the square', () => {
    const whole = maskToGrid(new Uint8Array(30 * 10).fill(255), 30, 10, 6);
    expect([...whole]).to.deep.equal([...Array(12).fill(1), ...Array(24).fill(0)]);
    const tall = maskToGrid(new Uint8Array(100).fill(1), 1, 100, 5, { antialias: true });
    expect([...tall].filter((_, i) => i % 5 === 0)).to.deep.equal([1, 1, 1, 1, 1]);
    expect(tall.reduce((total, cell) => total + cell, 0)).to.equal(5);
  });

  it('of nothing are nothing', () => {
    expect(maskToGrid(new Uint8Array(100), 10, 10, 4).every(cell => cell === 0)).to.equal(true);
  });

  it('refuses sizes that are not the mask’s', () => {
    expect(() => maskToGrid(new Uint8Array(9), 3, 4, 2)).to.throw(InputError, /got 9 values for 3 x 4 and a side of 2/);
    for (const side of [0, 1.5, Number.NaN]) {
      expect(() => maskToGrid(new Uint8Array(9), 3, 3, side)).to.throw(InputError, /whole side/);
    }
  });
});
