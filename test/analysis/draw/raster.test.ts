import { expect } from 'chai';
import { type Box, dashed, fillArea, strokeLines } from '../../../src/analysis/draw/raster.js';
import { uniform } from '../../../src/bench/random.js';
import { type Canvas, createCanvas } from '../../../src/image/drawing/canvas.js';

const ink = { colour: [0, 0, 0], opacity: 1 } as const;
const whole = ({ width, height }: Canvas): Box => ({ left: 0, top: 0, right: width, bottom: height });
const paper = () => createCanvas(6, 4, [255, 255, 255]);
/** How dark each pixel is, 0 to 255, row by row. */
const darkness = ({ data, width, height }: Canvas) =>
  Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => 255 - data[3 * (y * width + x)]!));

describe('areas and lines', () => {
  it('cover whole pixels wholly and others by their share', () => {
    const canvas = paper();
    fillArea(canvas, [[1, 1, 3.5, 1, 3.5, 2.5, 1, 2.5]], ink, whole(canvas));
    expect(darkness(canvas)).to.deep.equal([
      [0, 0, 0, 0, 0, 0],
      [0, 255, 255, 127, 0, 0],
      [0, 127, 127, 64, 0, 0],
      [0, 0, 0, 0, 0, 0],
    ]);
  });

  it('stay within the canvas and the clip', () => {
    const canvas = paper();
    fillArea(canvas, [[-9, -9, 99, -9, 99, 99, -9, 99]], ink, { left: 2, top: 1, right: 4, bottom: 9 });
    expect(
      darkness(canvas)
        .flat()
        .filter(dark => dark > 0),
    ).to.have.length(6);
    expect(() => fillArea(canvas, [], ink, whole(canvas))).to.not.throw();
  });

  it('a polygon that winds twice is filled once, two that wind apart leave their hole', () => {
    const square = [1, 1, 3, 1, 3, 3, 1, 3];
    const canvas = paper();
    fillArea(canvas, [square, square], ink, whole(canvas));
    expect(darkness(canvas)[1]).to.deep.equal([0, 255, 255, 0, 0, 0]);
    const ring = paper();
    fillArea(
      ring,
      [
        [0, 0, 6, 0, 6, 4, 0, 4],
        [1, 3, 3, 3, 3, 1, 1, 1],
      ],
      ink,
      whole(ring),
    );
    expect(darkness(ring)[1]).to.deep.equal([255, 0, 0, 255, 255, 255]);
  });

  it('a line of two pixels along a pixel border darkens both sides, crossings no more than once', () => {
    const canvas = paper();
    strokeLines(
      canvas,
      [
        [1, 2, 5, 2],
        [5, 2, 1, 2],
      ],
      2,
      { ...ink, opacity: 0.5 },
      whole(canvas),
    );
    const [above, upper, lower, below] = darkness(canvas);
    expect(upper!.slice(1, 5)).to.deep.equal([128, 128, 128, 128].map(() => 255 - Math.round(127.5)));
    expect(lower).to.deep.equal(upper);
    expect([above!.slice(1, 5), below!.slice(1, 5)]).to.deep.equal([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
  });

  it('dashes go round corners and start with a dash', () => {
    expect(dashed([0, 0, 10, 0], [4, 2])).to.deep.equal([
      [0, 0, 4, 0],
      [6, 0, 10, 0],
    ]);
    expect(dashed([0, 0, 3, 0, 3, 4], [5, 1])).to.deep.equal([
      [0, 0, 3, 0, 3, 2],
      [3, 3, 3, 4],
    ]);
    expect(dashed([0, 0, 10, 0], [1, 0])).to.deep.equal([[0, 0, 10, 0]]);
  });

  it('dashes of any line come to an end, and cover as much of it as they should', () => {
    const next = uniform(3);
    const lengthOf = (line: readonly number[]) => {
      let sum = 0;
      for (let i = 0; i + 3 < line.length; i += 2)
        sum += Math.hypot(line[i + 2]! - line[i]!, line[i + 3]! - line[i + 1]!);
      return sum;
    };
    for (let round = 0; round < 200; round++) {
      const line = Array.from({ length: 2 * (2 + (round % 9)) }, () => 800 * next());
      const [dash, gap] = [1 + 12 * next(), 1 + 12 * next()];
      const covered = dashed(line, [dash, gap]).reduce((sum, one) => sum + lengthOf(one), 0);
      const periods = lengthOf(line) / (dash + gap);
      const whole = Math.floor(periods);
      const expected = whole * dash + Math.min((periods - whole) * (dash + gap), dash);
      expect(covered).to.be.closeTo(expected, 1e-3);
    }
  });
});
