import { expect } from 'chai';
import { plotContext } from '../../../src/analysis/draw/context.js';
import { InputError } from '../../../src/errors.js';
import { createCanvas } from '../../../src/image/drawing/canvas.js';

const paper = (width = 60, height = 60) => createCanvas(width, height, [255, 255, 255]);
type Paper = ReturnType<typeof paper>;
const at = ({ data, width }: Paper, x: number, y: number) => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

/** The box of all that is not white: left, top, right, bottom. */
function inked({ data, width, height }: Paper): number[] {
  const [xs, ys]: [number[], number[]] = [[], []];
  for (let i = 0; i < width * height; i++) {
    if (data[3 * i]! > 200) continue;
    xs.push(i % width);
    ys.push(Math.floor(i / width));
  }
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** A context to be set as Vega sets one. */
const open = (canvas: Paper) => plotContext(canvas) as ReturnType<typeof plotContext> & Record<string, unknown>;

describe('the context plots are drawn with', () => {
  it('fills where the matrix says, and goes back to what was saved', () => {
    const canvas = paper();
    const context = open(canvas);
    context.fillStyle = '#ff0000';
    context.save();
    context.translate(10, 20);
    context.scale(2, 2);
    context.fillStyle = 'rgb(0, 0, 255)';
    context.fillRect(0, 0, 5, 5);
    context.restore();
    context.fillRect(50, 50, 5, 5);
    expect(at(canvas, 10, 20)).to.deep.equal([0, 0, 255]);
    expect(at(canvas, 19, 29)).to.deep.equal([0, 0, 255]);
    expect(at(canvas, 20, 29)).to.deep.equal([255, 255, 255]);
    expect(at(canvas, 52, 52)).to.deep.equal([255, 0, 0]);
  });

  it('draws circles, curves and clipped lines', () => {
    const canvas = paper();
    const context = open(canvas);
    context.beginPath();
    context.arc(30, 30, 10, 0, 2 * Math.PI);
    context.fill();
    expect(inked(canvas)).to.deep.equal([20, 20, 39, 39]);
    const lines = paper();
    const other = open(lines);
    other.beginPath();
    other.rect(0, 0, 30, 60);
    other.clip();
    other.beginPath();
    other.lineWidth = 4;
    other.moveTo(5, 50);
    other.bezierCurveTo(5, 10, 55, 10, 55, 50);
    other.stroke();
    const [left, top, right] = inked(lines);
    expect([left, right]).to.deep.equal([3, 29]);
    expect(top).to.be.within(17, 20);
  });

  it('sets text at its base line, left, right, centred and upwards', () => {
    const boxOf = (align: string, turned = false) => {
      const canvas = paper(200, 200);
      const context = open(canvas);
      Object.assign(context, { font: 'bold 20px sans-serif', textAlign: align });
      context.translate(100, 100);
      if (turned) context.rotate(-Math.PI / 2);
      context.fillText('HHH', 0, 0);
      return inked(canvas);
    };
    const [left, right, centre] = [boxOf('left'), boxOf('right'), boxOf('center')];
    expect(left[0]).to.be.within(99, 102);
    expect(left[3], 'on the base line').to.be.within(98, 101);
    expect(left[3]! - left[1]!, 'capitals of 0.72 of the size').to.be.within(13, 17);
    expect(right[2]).to.be.within(98, 102);
    expect((centre[0]! + centre[2]!) / 2).to.be.within(98, 102);
    const up = boxOf('left', true);
    expect(up[3], 'starts at the place and goes up').to.be.within(98, 101);
    expect(up[2], 'its base line on the right').to.be.within(98, 101);
    expect(up[3]! - up[1]!).to.be.closeTo(left[2]! - left[0]!, 2);
  });

  it('takes colours as Vega gives them, and refuses others by name', () => {
    const canvas = paper();
    const context = open(canvas);
    for (const style of ['#888', '#00000000', 'transparent', 'white', 'black']) {
      context.fillStyle = style;
      context.fillRect(0, 0, 2, 2);
    }
    context.fillStyle = 'papayawhip';
    expect(() => context.fillRect(0, 0, 2, 2)).to.throw(InputError, /got 'papayawhip'/);
  });
});
