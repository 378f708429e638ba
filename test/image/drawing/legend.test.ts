import { expect } from 'chai';
import { withLegend } from '../../../src/image/drawing/legend.js';
import type { Picture } from '../../../src/image/picture.js';
import { flat, pixel, white } from './pixels.js';

describe('withLegend', () => {
  const entries = [
    { name: 'sofa', colour: [250, 10, 20], share: 0.25 },
    { name: 'a cat', colour: [10, 20, 250], share: 0.0004 },
    { name: 'grass', colour: [20, 250, 10], share: 0 },
  ] as const;

  /** The rows, top to bottom, in which a colour first shows. */
  const firstRow = (picture: Picture, colour: readonly number[]) => {
    for (let i = 0; i < picture.width * picture.height; i++) {
      if (colour.every((value, c) => picture.data[i * 3 + c] === value)) return Math.floor(i / picture.width);
    }
    return -1;
  };

  it('keeps the picture and puts the swatches beside or below it, in order', () => {
    const picture = flat(200, 120, 77);
    const right = withLegend(picture, entries);
    expect([right.width > 280, right.height]).to.deep.equal([true, 120]);
    const below = withLegend(picture, entries, 'below');
    expect([below.width, below.height > 150]).to.deep.equal([200, true]);
    for (const result of [right, below]) {
      for (const [x, y] of [
        [0, 0],
        [199, 0],
        [0, 119],
        [199, 119],
      ] as const) {
        expect(pixel(result, x, y)).to.deep.equal([77, 77, 77]);
      }
      expect(pixel(result, result.width - 1, result.height - 1)).to.deep.equal([...white]);
    }
    const rows = entries.map(({ colour }) => firstRow(right, colour));
    expect(rows[0]).to.be.at.least(0);
    expect(rows).to.deep.equal([...rows].sort((a, b) => a - b));
    expect(firstRow(below, entries[0].colour)).to.be.above(119);
  });

  it('grows where the entries are many or the names long, and stands in columns below a wide picture', () => {
    const many = Array.from({ length: 30 }, (_, i) => ({ name: `class ${i}`, colour: [i, 2 * i, 3 * i] as const }));
    expect(withLegend(flat(50, 40, 0), many).height).to.be.above(400);
    expect(withLegend(flat(900, 40, 0), many, 'below').height).to.be.below(40 + 30 * 20);
    const long = [{ name: 'x'.repeat(500), colour: white, share: 1 }];
    expect(withLegend(flat(100, 100, 0), long).width).to.be.below(400);
    expect(withLegend(flat(10, 10, 0), long, 'below').width).to.be.below(200);
  });

  it('writes shares in percent, small ones as less than a tenth', () => {
    const one = (share?: number) =>
      withLegend(flat(100, 60, 0), [{ name: 'a', colour: white, ...(share === undefined ? {} : { share }) }]);
    expect(one(0.0004).data).not.to.deep.equal(one(0).data);
    expect(one(0.2501).data).to.deep.equal(one(0.2502).data);
    expect(one(0.25).width).to.be.above(one().width);
  });

  it('gives the picture itself where there is nothing to explain', () => {
    const picture = flat(5, 4, 1);
    expect(withLegend(picture, [])).to.equal(picture);
  });
});
