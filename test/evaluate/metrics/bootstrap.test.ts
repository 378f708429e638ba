import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { scoresOf } from '../../../src/evaluate/confusion.js';
import { percentileInterval, resampledScores } from '../../../src/evaluate/metrics/bootstrap.js';
import { confusionOf, meanOf, perClassOf, ratiosOf } from '../../../src/evaluate/metrics/ratios.js';
import type { ImageRecord } from '../../../src/evaluate/records.js';

const classes = 4;

/** Images with any counts, among them ones that could not be evaluated. */
const pair = fc.tuple(fc.nat(classes - 1), fc.nat(classes - 1), fc.integer({ min: 1, max: 1000 }));
const edge = fc.tuple(fc.nat(classes - 1), fc.nat(50), fc.integer({ min: 50, max: 100 }));
const counts = fc.record({
  pairs: fc.uniqueArray(pair, { selector: ([is, called]) => `${is} ${called}` }).map(all => all.flat()),
  boundary: fc.uniqueArray(edge, { selector: ([label]) => label }).map(all => all.flat()),
});
const records: fc.Arbitrary<ImageRecord[]> = fc.array(fc.option(counts), { minLength: 1, maxLength: 6 }).map(all =>
  all.map((one, i) => {
    const image = { id: `${i}`, height: 1, width: 1 };
    return one ? { ...image, methods: [one] } : { ...image, methods: [], failure: 'gone' };
  }),
);

const image = (...pairs: number[]): ImageRecord => ({
  id: 'a',
  height: 1,
  width: 1,
  methods: [{ pairs, boundary: [] }],
});

describe('ratios of classes', () => {
  it('give the scores that the counts of all images give', () => {
    fc.assert(
      fc.property(records, images => {
        const scores = scoresOf(confusionOf(images, 0, classes));
        for (const measure of ['mIoU', 'mAcc', 'aAcc'] as const) {
          expect(meanOf(perClassOf(ratiosOf(images, 0, classes, measure))), measure).to.deep.equal(scores[measure]);
        }
        const perClass = [...perClassOf(ratiosOf(images, 0, classes, 'mIoU'))];
        expect(perClass).to.deep.equal(scores.perClass.map(({ iou }) => iou));
      }),
    );
  });

  it('of boundaries are sums over sums', () => {
    const edges = (...boundary: number[]): ImageRecord => ({ ...image(), methods: [{ pairs: [], boundary }] });
    const images = [edges(0, 1, 10, 2, 3, 4), edges(2, 1, 4, 3, 0, 0)];
    const perClass = perClassOf(ratiosOf(images, 0, classes, 'boundaryIoU'));
    expect([...perClass]).to.deep.equal([0.1, Number.NaN, 0.5, Number.NaN]);
    expect(meanOf(perClass)).to.equal(0.3);
  });

  it('refuse counts of classes that are not in the list, and counts cut off', () => {
    for (const read of [
      (images: ImageRecord[]) => confusionOf(images, 0, classes),
      (images: ImageRecord[]) => ratiosOf(images, 0, classes, 'mIoU'),
    ]) {
      expect(() => read([image(0, 4, 1)])).to.throw(
        InputError,
        'image a: expected counts of classes from 0 to 3, got one of 4',
      );
      expect(() => read([image(-1, 0, 1)])).to.throw(InputError, 'got one of -1');
      expect(() => read([image(0, 0, 1, 2)])).to.throw(InputError, 'expected counts in threes, got 4 numbers');
    }
    const boundary = [{ ...image(), methods: [{ pairs: [], boundary: [9, 0, 1] }] }];
    expect(() => ratiosOf(boundary, 0, classes, 'boundaryIoU')).to.throw(InputError, 'got one of 9');
  });
});

describe('the bootstrap', () => {
  it('is the same each time, other with another seed, and stays within what single images score', () => {
    const images = [0.1, 0.5, 0.9, 0.4].map(right => image(0, 0, right * 100, 0, 1, 100 - right * 100));
    const ratios = ratiosOf(images, 0, 2, 'aAcc');
    const scores = resampledScores(ratios, { resamples: 200 });
    expect(resampledScores(ratios, { resamples: 200 })).to.deep.equal(scores);
    expect(resampledScores(ratios, { resamples: 200, seed: 1 })).to.not.deep.equal(scores);
    expect(Math.min(...scores)).to.be.at.least(0.1);
    expect(Math.max(...scores)).to.be.at.most(0.9);
    // Nine of the 35 multisets of four images, for instance, have a mean of their own.
    expect(new Set(scores).size).to.be.above(9);
  });

  it('finds the standard error that theory gives for a mean', () => {
    // 400 images of 100 pixels, right or wrong as a whole by halves: standard error sqrt(0.25 / 400) = 0.025.
    const images = Array.from({ length: 400 }, (_, i) => image(0, i % 2, 100));
    const { low, high } = percentileInterval(resampledScores(ratiosOf(images, 0, 2, 'aAcc'), { resamples: 2000 }));
    expect((high - low) / 2).to.be.closeTo(1.96 * 0.025, 0.004);
    expect((high + low) / 2).to.be.closeTo(0.5, 0.004);
  });

  it('pairs two methods: what all images share cancels out', () => {
    const images = Array.from({ length: 60 }, (_, i): ImageRecord => {
      const method = (right: number) => ({ pairs: [0, 0, right, 0, 1, 100 - right], boundary: [] });
      const right = (i * 37) % 80;
      return { id: `${i}`, height: 10, width: 10, methods: [method(right + 5), method(right)] };
    });
    const [better, worse] = [0, 1].map(method => resampledScores(ratiosOf(images, method, 2, 'aAcc'))) as [
      Float64Array,
      Float64Array,
    ];
    const { low, high } = percentileInterval(better.map((score, i) => score - worse[i]!));
    expect(low).to.be.closeTo(0.05, 1e-12);
    expect(high).to.be.closeTo(0.05, 1e-12);
    expect(percentileInterval(better).low).to.be.below(percentileInterval(worse).high);
  });

  it('takes percentiles between neighbours, as NumPy does', () => {
    // numpy.percentile([1, 2, 3, 4, 10], [2.5, 97.5]) and [5, 95]
    const scores = Float64Array.of(4, 10, 1, Number.NaN, 3, 2);
    const { low, high } = percentileInterval(scores);
    expect([low, high].map(value => value.toFixed(6))).to.deep.equal(['1.100000', '9.400000']);
    const narrow = percentileInterval(scores, 0.9);
    expect([narrow.low, narrow.high].map(value => value.toFixed(6))).to.deep.equal(['1.200000', '8.800000']);
  });

  it('of one image is its score, of none nothing', () => {
    const score = (images: ImageRecord[]) =>
      percentileInterval(resampledScores(ratiosOf(images, 0, 2, 'mIoU'), { resamples: 10 }));
    expect(score([image(0, 0, 3, 0, 1, 1)])).to.deep.equal({ low: 0.375, high: 0.375 });
    expect(score([])).to.deep.equal({ low: Number.NaN, high: Number.NaN });
  });

  it('refuses counts of resamples and seeds that are none', () => {
    const ratios = ratiosOf([image(0, 0, 1)], 0, 1, 'mIoU');
    for (const resamples of [0, -1, 1.5, Number.NaN]) {
      expect(() => resampledScores(ratios, { resamples })).to.throw(InputError, 'resamples as a whole number from 1');
    }
    expect(() => resampledScores(ratios, { seed: -1 })).to.throw(
      InputError,
      'expected seed as a whole number from 0, got -1',
    );
  });
});
