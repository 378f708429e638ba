import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { heatColour, heatmap } from '../../../src/image/drawing/heatmap.js';
import { pixel } from './pixels.js';

describe('heatmap', () => {
  it('goes from dark violet to yellow, ever lighter', () => {
    expect(heatColour(0)).to.deep.equal([68, 1, 84]);
    expect(heatColour(1)).to.deep.equal([253, 231, 37]);
    expect(heatColour(-3)).to.deep.equal(heatColour(0));
    expect(heatColour(7)).to.deep.equal(heatColour(1));
    expect(heatColour(Number.NaN)).to.deep.equal([150, 150, 150]);
    const luminance = Array.from({ length: 101 }, (_, i) => {
      const [red, green, blue] = heatColour(i / 100);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    });
    for (let i = 1; i <= 100; i++) expect(luminance[i]!, `${i} %`).to.be.above(luminance[i - 1]!);
  });

  it('makes each value a square, from the smallest to the largest', () => {
    const map = heatmap([-2, Number.NaN, Number.POSITIVE_INFINITY, 6, 2, -2], 3, 2, { scale: 4 });
    expect([map.width, map.height]).to.deep.equal([12, 8]);
    const expected = [
      heatColour(0),
      heatColour(Number.NaN),
      heatColour(1),
      heatColour(1),
      heatColour(0.5),
      heatColour(0),
    ];
    for (let y = 0; y < 8; y++) {
      for (let x = 0; x < 12; x++) {
        expect(pixel(map, x, y)).to.deep.equal([...expected[Math.floor(y / 4) * 3 + Math.floor(x / 4)]!]);
      }
    }
  });

  it('takes a range, draws a flat map in one colour, and picks a scale', () => {
    expect(pixel(heatmap([5], 1, 1, { range: [0, 10], scale: 1 }), 0, 0)).to.deep.equal([...heatColour(0.5)]);
    expect(pixel(heatmap([5, 5], 2, 1), 0, 0)).to.deep.equal([...heatColour(0.5)]);
    expect(pixel(heatmap([Number.NaN], 1, 1), 0, 0)).to.deep.equal([...heatColour(Number.NaN)]);
    expect(heatmap(new Float32Array(14 * 14), 14, 14).width).to.equal(252);
    expect(heatmap(new Float32Array(600), 600, 1).width).to.equal(600);
  });

  it('refuses bad ranges, scales and lengths', () => {
    for (const range of [
      [1, 1],
      [2, 1],
      [0, Number.NaN],
      [0, Number.POSITIVE_INFINITY],
    ] as const) {
      expect(() => heatmap([1], 1, 1, { range })).to.throw(InputError, /two increasing numbers/);
    }
    for (const scale of [0, 1.5, -1, 2 ** 15, Number.NaN]) {
      expect(() => heatmap([1], 1, 1, { scale })).to.throw(InputError, /expected a scale/);
    }
    expect(() => heatmap([1, 2], 1, 1)).to.throw(RangeError, /takes 1 values, got 2/);
  });
});
