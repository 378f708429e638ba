import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { resizePlanes } from '../../../src/segment/dense/bilinear.js';
import { labelMap } from '../../../src/segment/dense/labels.js';
import { denseFromPlanes, logitPlanes } from '../../../src/segment/dense/logits.js';
import { pamr } from '../../../src/segment/dense/pamr.js';
import { expectClose, goldenPath, readGolden } from '../../goldens.js';
import { pipelineCase, stitchCase } from './pipelineGolden.js';

describe('pamr against the published module', () => {
  for (const steps of [0, 1, 10]) {
    for (const dilations of [[1], [1, 2, 4], [8, 16]]) {
      const name = `steps${steps}.dilations${dilations.join('_')}`;
      it(name, function () {
        const golden = readGolden(goldenPath(this, 'segmentation/pamr.safetensors'));
        const image = { pixels: golden.image!.data as Float32Array, height: 20, width: 28 };
        const mask = { planes: golden.mask!.data as Float32Array, classes: 4, height: 10, width: 14 };
        const { data, shape } = golden[name]!;
        expectClose(pamr(image, mask, { steps, dilations }), data as Float32Array, { maxAbs: 1e-5 }, { name, shape });
      });
    }
  }

  it('refines SCLIP logits as the published pipeline does, labels and all', function () {
    const golden = pipelineCase(this, 'a', 'sclip');
    const [height, width] = golden.output;
    const pixels = resizePlanes(golden.array('normalised'), 3, golden.input, golden.output);
    const mask = { planes: logitPlanes(stitchCase(golden)), classes: golden.queries, height, width };
    const refined = pamr({ pixels, height, width }, mask, { steps: 10, dilations: [8, 16] });
    const where = { shape: [golden.queries, height, width] };
    expectClose(refined, golden.array('sclip.pamr.logits'), { maxAbs: 1e-5 }, where);

    const dense = denseFromPlanes(refined, golden.queries, height, width);
    const { labels } = labelMap(dense, { scale: 40, classOfQuery: golden.classOfQuery, classes: 5 });
    expectClose(labels, golden.array('sclip.pamr.prediction'), { maxAbs: 0, outliers: 0.001 });
  });
});

/** The 5 x 5 picture and mask whose refinement was worked out with the reference library. */
const small = (() => {
  const at = (i: number) => [Math.floor(i / 5), i % 5] as const;
  const red = (r: number, c: number) => (7 * r + 3 * c) % 5;
  const pixels = Float32Array.from({ length: 75 }, (_, i) => {
    const [r, c] = at(i % 25);
    return [red(r, c), red(r, 4 - c), (2 * red(r, c)) % 3][Math.floor(i / 25)]!;
  });
  const planes = Float32Array.from({ length: 50 }, (_, i) => Number(at(i % 25)[1] < 2 === i < 25));
  return { image: { pixels, height: 5, width: 5 }, mask: { planes, classes: 2, height: 5, width: 5 } };
})();

describe('pamr', () => {
  it('gives the known numbers of one step', () => {
    const refined = pamr(small.image, small.mask, { steps: 1, dilations: [1] });
    const expected = [
      [1, 0.924274, 0.000171, 0, 0],
      [1, 0.499856, 0.507728, 0, 0],
      [1, 0.500012, 0.998097, 0, 0],
      [1, 0.998702, 0.499987, 0, 0],
      [1, 0.998324, 0.000149, 0, 0],
    ].flat();
    expectClose(refined.subarray(0, 25), expected, { maxAbs: 1e-6 }, { shape: [5, 5] });
    const rest = expected.map(value => 1 - value);
    expectClose(refined.subarray(25), rest, { maxAbs: 1e-6 }, { shape: [5, 5] });
  });

  it('gives the known numbers of two steps at two distances', () => {
    const refined = pamr(small.image, small.mask, { steps: 2, dilations: [1, 2] });
    expectClose(refined.subarray(5, 10), [0.983963, 0.989792, 0.489434, 0.012516, 0.000015], { maxAbs: 1e-6 });
    expectClose(refined.subarray(10, 15), [0.996688, 0.73047, 0.690176, 0.277856, 0.000003], { maxAbs: 1e-6 });
  });

  it('returns a constant mask, whatever the picture', () => {
    const size = fc.integer({ min: 1, max: 7 });
    const pixel = fc.float({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 9 }), fc.array(pixel, { minLength: 1 }), (h, w, r, some) => {
        const pixels = Float32Array.from({ length: 3 * h * w }, (_, i) => some[i % some.length]!);
        const mask = { planes: Float32Array.of(0.25, -4), classes: 2, height: 1, width: 1 };
        const refined = pamr({ pixels, height: h, width: w }, mask, { steps: 3, dilations: [1, r] });
        const expected = Array.from({ length: 2 * h * w }, (_, i) => (i < h * w ? 0.25 : -4));
        expectClose(refined, expected, { maxAbs: 1e-5 });
      }),
      { numRuns: 60 },
    );
  });

  it('averages all eight neighbours alike where the picture is flat', () => {
    const image = { pixels: new Float32Array(75).fill(0.7), height: 5, width: 5 };
    const planes = new Float32Array(25);
    planes[12] = 1;
    const refined = pamr(image, { planes, classes: 1, height: 5, width: 5 }, { steps: 1, dilations: [1] });
    const ring = [6, 7, 8, 11, 13, 16, 17, 18];
    const expected = Array.from({ length: 25 }, (_, i) => (ring.includes(i) ? 1 / 8 : 0));
    expectClose(refined, expected, { maxAbs: 1e-6 }, { shape: [5, 5] });
  });

  it('leaves its inputs as they were', () => {
    const before = [small.image.pixels.slice(), small.mask.planes.slice()];
    pamr(small.image, small.mask, { steps: 2, dilations: [1] });
    expect([small.image.pixels, small.mask.planes]).to.deep.equal(before);
  });

  it('refuses sizes and settings that make no sense', () => {
    const { image, mask } = small;
    const once = { steps: 1, dilations: [1] };
    expect(() => pamr({ ...image, width: 6 }, mask, once)).to.throw(InputError, 'pamr: image: expected 3 x 5 x 6 = 90');
    expect(() => pamr(image, { ...mask, classes: 3 }, once)).to.throw(
      InputError,
      'pamr: mask: expected 3 x 5 x 5 = 75',
    );
    expect(() => pamr(image, { ...mask, classes: 0 }, once)).to.throw(InputError, 'pamr: mask planes');
    expect(() => pamr(image, mask, { ...once, steps: -1 })).to.throw(InputError, 'pamr: steps');
    expect(() => pamr(image, mask, { ...once, dilations: [] })).to.throw(InputError, 'at least one dilation');
    expect(() => pamr(image, mask, { ...once, dilations: [0] })).to.throw(InputError, 'pamr: dilation');
    expect(() => pamr(image, mask, { ...once, dilations: [1e6] })).to.throw(InputError, 'pamr: dilation');
  });
});
