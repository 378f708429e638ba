import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { patchClasses as patchClassSteps } from '../../../src/segment/resclip/patchClasses.js';
import { atOnce } from '../../../src/turns.js';

const patchClasses = (...given: Parameters<typeof patchClassSteps>) => atOnce(patchClassSteps(...given));

const options = { scale: 40, threshold: 0, pamr: { steps: 0, dilations: [8, 16] } };
const window = (height: number, width: number) => ({
  values: new Float32Array(3 * height * width),
  height,
  width,
});

describe('ResCLIP: classes of patches', () => {
  const grid = { rows: 1, columns: 2 };

  it('are the best names of most pixels', () => {
    const cosines = Float32Array.from([0.3, 0.1, 0.2, 0.15, 0.1, 0.3]);
    expect([...patchClasses(cosines, grid, window(4, 8), 4, options)]).to.deep.equal([0, 2]);
  });

  it('are the first name where too little speaks for another', () => {
    const cosines = Float32Array.from([0.1, 0.1, 0.11, 0.3]);
    const classes = (threshold: number) => [...patchClasses(cosines, grid, window(4, 8), 4, { ...options, threshold })];
    expect(classes(0.5)).to.deep.equal([1, 1]);
    expect(classes(0.9)).to.deep.equal([0, 1]);
    expect(classes(1)).to.deep.equal([0, 0]);
  });

  it('are the earlier of two with as many pixels', () => {
    const cosines = Float32Array.from([0, 1, 1, 0]);
    expect([...patchClasses(cosines, grid, window(4, 8), 4, options)]).to.deep.equal([1, 0]);
    const one = { rows: 1, columns: 1 };
    expect([...patchClasses(Float32Array.from([0.5, 0.5]), one, window(4, 4), 4, options)]).to.deep.equal([0]);
  });

  it('leave out pixels beyond the grid', () => {
    const cosines = Float32Array.from([0.3, 0.1, 0.2, 0.4]);
    expect([...patchClasses(cosines, grid, window(7, 11), 4, options)]).to.deep.equal([0, 1]);
  });

  it('of no whole maps, or a window smaller than the grid, are refused', () => {
    const attempt = (count: number, height: number) => () =>
      patchClasses(new Float32Array(count), grid, window(height, 8), 4, options);
    expect(attempt(3, 4)).to.throw(InputError, 'expected maps of 1 x 2 cosines, got 3 values');
    expect(attempt(0, 4)).to.throw(InputError, 'got 0 values');
    expect(attempt(2, 3)).to.throw(InputError, 'expected a window of at least 4 x 8 pixels, got 3 x 8');
  });
});
