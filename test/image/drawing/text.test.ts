import { expect } from 'chai';
import { createCanvas } from '../../../src/image/drawing/canvas.js';
import { glyphs } from '../../../src/image/drawing/glyphs.js';
import { drawText, fitText, textHeight, textWidth } from '../../../src/image/drawing/text.js';
import { black, white } from './pixels.js';

const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));

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
