import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { padToMultiple, slidingWindows } from '../../../src/segment/dense/windows.js';
import { goldenPath, readGolden } from '../../goldens.js';
import { cases } from './pipelineGolden.js';

describe('slidingWindows', () => {
  for (const name of cases) {
    it(`gives the published windows of case ${name}, in order`, function () {
      const golden = readGolden(goldenPath(this, 'segmentation/pipeline.safetensors'));
      const [height, width] = golden[`${name}/resized`]!.shape as [number, number];
      const windows = slidingWindows(height, width, 64, 32).flatMap(w => [w.y1, w.x1, w.y2, w.x2]);
      expect(windows).to.deep.equal(Array.from(golden[`${name}/windows_y1x1y2x2`]!.data as Int32Array));
    });
  }

  it('gives the counts of the published protocols', () => {
    expect(slidingWindows(336, 448, 224, 112)).to.have.length(6);
    expect(slidingWindows(448, 597, 448, 224)).to.have.length(2);
    expect(slidingWindows(560, 1120, 224, 112)).to.have.length(36);
    expect(slidingWindows(448, 896, 224, 224)).to.have.length(8);
  });

  it('takes the whole image for window 0, and a smaller image as one smaller window', () => {
    expect(slidingWindows(30, 50, 0, 0)).to.deep.equal([{ y1: 0, x1: 0, y2: 30, x2: 50 }]);
    expect(slidingWindows(30, 50, 64, 32)).to.deep.equal([{ y1: 0, x1: 0, y2: 30, x2: 50 }]);
  });

  it('covers every pixel with windows of full size that stay inside', () => {
    const size = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(size, size, size, size, (height, width, crop, step) => {
        const stride = Math.min(step, crop);
        const covered = new Uint8Array(height * width);
        for (const { y1, x1, y2, x2 } of slidingWindows(height, width, crop, stride)) {
          expect([y2 - y1, x2 - x1]).to.deep.equal([Math.min(crop, height), Math.min(crop, width)]);
          expect(y1 >= 0 && x1 >= 0 && y2 <= height && x2 <= width).to.equal(true);
          for (let y = y1; y < y2; y++) covered.fill(1, y * width + x1, y * width + x2);
        }
        expect(covered.includes(0)).to.equal(false);
      }),
      { numRuns: 100 },
    );
  });

  it('refuses sizes that make no sense', () => {
    expect(() => slidingWindows(0, 5, 4, 2)).to.throw(InputError, 'slidingWindows: height: expected a whole number');
    expect(() => slidingWindows(5, 5.5, 4, 2)).to.throw(InputError, 'got 5.5');
    expect(() => slidingWindows(5, 5, -1, 2)).to.throw(InputError, 'window');
    expect(() => slidingWindows(5, 5, 4, 0)).to.throw(InputError, 'stride');
    expect(() => slidingWindows(50, 50, 4, 5)).to.throw(InputError, 'a stride of 5 leaves gaps between windows of 4');
    expect(() => slidingWindows(4000, 4000, 16, 1)).to.throw(InputError, 'at most 65536');
  });
});

describe('padToMultiple', () => {
  it('gives the published padding of 50 x 50 pixels', function () {
    const golden = readGolden(goldenPath(this, 'segmentation/pipeline.safetensors'));
    const [left, right, top, bottom] = golden['small/clearclip.pad_left_right_top_bottom']!.data as Int32Array;
    expect(padToMultiple(50, 50, 16)).to.deep.equal({ left, right, top, bottom });
  });

  it('puts the smaller half left and top, and adds nothing to whole patches', () => {
    expect(padToMultiple(13, 15, 16)).to.deep.equal({ left: 0, right: 1, top: 1, bottom: 2 });
    expect(padToMultiple(32, 48, 16)).to.deep.equal({ left: 0, right: 0, top: 0, bottom: 0 });
    expect(() => padToMultiple(32, 48, 0)).to.throw(InputError, 'patch');
  });
});
