import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { blend, createCanvas, fillRectangle } from '../../../src/image/drawing/canvas.js';
import { black, white } from './pixels.js';

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
