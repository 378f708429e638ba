import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { blend, createCanvas, fillRectangle } from '../../../src/image/drawing/canvas.js';
import { glyphs } from '../../../src/image/drawing/glyphs.js';
import { gridPicture } from '../../../src/image/drawing/grid.js';
import { heatColour, heatmap } from '../../../src/image/drawing/heatmap.js';
import { withLegend } from '../../../src/image/drawing/legend.js';
import { drawText, fitText, textHeight, textWidth } from '../../../src/image/drawing/text.js';
import { type Picture, rgbPicture } from '../../../src/image/picture.js';

const white = [255, 255, 255] as const;
const black = [0, 0, 0] as const;
const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));

const flat = (width: number, height: number, value: number) =>
  rgbPicture(width, height, new Uint8Array(width * height * 3).fill(value));

const pixel = ({ width, data }: Pick<Picture, 'width' | 'data'>, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

/** The ink of a text on a canvas of its own, as shares 0..1. */
function inkOf(text: string, size: number, width = 300, height = 60, left = 10, top = 10): number[] {
  const canvas = createCanvas(width, height, white);
  drawText(canvas, left, top, text, size, black);
  return Array.from({ length: width * height }, (_, i) => 1 - canvas.data[i * 3]! / 255);
}

/** The smallest box around all ink: left, top, right, bottom. */
function inkBox(ink: number[], width: number): [number, number, number, number] {
  const at = ink.flatMap((share, i) => (share > 0.1 ? [[i % width, Math.floor(i / width)] as const] : []));
  const xs = at.map(([x]) => x);
  const ys = at.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
}

describe('lettering', () => {
  it('has a glyph of its own for every printing ASCII character', () => {
    expect(Object.keys(glyphs).sort()).to.deep.equal([...ascii].sort());
    const drawn = new Set(
      ascii.map(character =>
        inkOf(character, 14)
          .map(share => share.toFixed(2))
          .join(),
      ),
    );
    expect(drawn.size).to.equal(95);
  });

  it('stays inside the width and height it announces', () => {
    for (const size of [7, 9, 13, 20]) {
      for (const text of ['Why jump?', 'Q{|}', '_.,;', 'l', 'sofa (41.3 %)']) {
        const [left, top, right, bottom] = inkBox(inkOf(text, size, 400), 400);
        expect(left, text).to.be.at.least(9);
        expect(right, text).to.be.at.most(10 + textWidth(text, size) + 1);
        expect(right, text).to.be.above(10 + textWidth(text, size) - 3);
        expect(top, text).to.be.at.least(8);
        expect(bottom, text).to.be.at.most(10 + textHeight(size) + 1);
      }
    }
  });

  it('drops accents and draws what it does not know as one box', () => {
    expect(inkOf('naïve café', 12)).to.deep.equal(inkOf('naive cafe', 12));
    expect(inkOf('日', 12)).to.deep.equal(inkOf('\u0007', 12));
    expect(inkOf('日', 12)).not.to.deep.equal(inkOf(' ', 12));
    expect(inkOf('😀', 12)).to.deep.equal(inkOf('日', 12));
    expect(inkOf('constructor', 12)).not.to.deep.equal(inkOf('', 12));
  });

  it('may leave the canvas on every side', () => {
    const canvas = createCanvas(20, 10, white);
    for (const [x, y] of [
      [-50, 0],
      [15, -6],
      [15, 6],
      [100, 100],
    ] as const) {
      drawText(canvas, x, y, 'overboard', 14, black);
    }
    expect(canvas.data.length).to.equal(600);
    expect(Math.min(...canvas.data)).to.be.below(100);
  });

  it('cuts a text to a width', () => {
    expect(fitText('sofa', 10, 100)).to.equal('sofa');
    const cut = fitText('a very long class name', 10, 60);
    expect(cut).to.match(/^a very.*\.\.\.$/);
    expect(textWidth(cut, 10)).to.be.at.most(60);
    expect(fitText('sofa', 10, 3)).to.equal('');
    expect(textWidth('', 10)).to.equal(0);
  });
});

describe('canvas', () => {
  it('mixes a colour in, and ignores what lies outside', () => {
    const canvas = createCanvas(2, 1, black);
    blend(canvas, 1, 0, [200, 100, 50], 0.5);
    blend(canvas, 2, 0, white, 1);
    blend(canvas, 0, -1, white, 1);
    fillRectangle(canvas, -3, -3, 4, 4, [9, 8, 7]);
    expect([...canvas.data]).to.deep.equal([9, 8, 7, 100, 50, 25]);
    expect(() => createCanvas(2 ** 15, 2 ** 14, white)).to.throw(InputError, /over the limit/);
  });
});

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
