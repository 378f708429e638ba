import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { classAccuracy, countRegion, noHits } from '../../../src/evaluate/regions/classAccuracy.js';
import { pooledLikeness, rankOf } from '../../../src/evaluate/regions/ranks.js';
import { fromNames } from '../../../src/segment/vocabulary.js';
import { goldenPath, readGolden } from '../../goldens.js';

const names = (count: number) => fromNames(Array.from({ length: count }, (_, i) => `class ${i}`));

describe('mean class accuracy', () => {
  it("equals the published code's, with its rounding and without", function () {
    const {
      similarities,
      labels,
      is_thing_per_class: isThing,
    } = readGolden(goldenPath(this, 'clipself/macc.safetensors'));
    const expected: Record<string, Record<string, number>> = JSON.parse(
      readFileSync(goldenPath(this, 'clipself/macc.json'), 'utf8'),
    );
    const [regions, classes] = similarities!.shape as [number, number];
    const vocabulary = names(classes);
    const hits = noHits(classes);
    for (let r = 0; r < regions; r++) {
      const likeness = (similarities!.data as Float32Array).subarray(r * classes, (r + 1) * classes);
      const label = Number(labels!.data[r]);
      countRegion(hits, label, rankOf(likeness, vocabulary, label));
    }
    const thing = (label: number) => Number(isThing!.data[label]) === 1;
    for (const [rounding, key] of [
      ['half', 'published (each class accuracy rounded to fp16 before averaging)'],
      ['none', 'without the fp16 rounding'],
    ] as const) {
      for (const kind of ['thing', 'stuff'] as const) {
        const scores = classAccuracy(hits, label => thing(label) === (kind === 'thing'), { rounding });
        for (const score of ['macc1', 'macc5'] as const) {
          expect(scores[score], `${key}: ${kind} ${score}`).to.be.closeTo(
            expected[key]![`rois.${kind}.${score}`]!,
            1e-9,
          );
        }
      }
    }
  });

  it('leaves out classes without regions, and has no score where there are none', () => {
    const hits = noHits(4);
    for (const [label, rank] of [
      [0, 0],
      [0, 3],
      [0, 7],
      [0, Number.POSITIVE_INFINITY],
      [2, 4],
      [2, 5],
    ] as const) {
      countRegion(hits, label, rank);
    }
    expect(classAccuracy(hits, () => true)).to.deep.equal({
      macc1: (1 / 4 + 0) / 2,
      macc5: (2 / 4 + 1 / 2) / 2,
      top1: 1 / 6,
      top5: 3 / 6,
    });
    expect(classAccuracy(hits, label => label % 2 === 1)).to.deep.equal({
      macc1: null,
      macc5: null,
      top1: null,
      top5: null,
    });
  });
});

describe('the rank of a class', () => {
  it('counts those that are more like, the first of equals first', () => {
    const ranks = (likeness: number[]) => likeness.map((_, label) => rankOf(likeness, names(likeness.length), label));
    expect(ranks([0.1, 0.9, -0.3, 0.5])).to.deep.equal([2, 0, 3, 1]);
    expect(ranks([1, 2, 2, 1])).to.deep.equal([2, 0, 1, 3]);
  });

  it("takes a class's likest name, and only the rivals it is told", () => {
    const vocabulary = fromNames(['cat; kitten', 'dog; puppy; hound', 'sky']);
    const likeness = [0.2, 0.8, 0.1, 0.3, 0.7, 0.9];
    expect([0, 1, 2].map(label => rankOf(likeness, vocabulary, label))).to.deep.equal([1, 2, 0]);
    const things = (label: number) => label < 2;
    expect([0, 1].map(label => rankOf(likeness, vocabulary, label, things))).to.deep.equal([0, 1]);
  });

  it('is refused of features that are no numbers', () => {
    expect(() => rankOf([0, Number.NaN], names(2), 0)).to.throw(/features that are not finite/);
  });
});

describe('what a region is like', () => {
  it('is the sum over its patches, and nothing where it has none', () => {
    const cosines = Float32Array.of(1, 2, 3, -1, 0, 0.5);
    expect(pooledLikeness(Float32Array.of(0.5, 0, 0.25), cosines)).to.deep.equal(Float64Array.of(1.25, -0.375));
    expect(pooledLikeness(new Float32Array(3), cosines)).to.equal(undefined);
  });
});
