import { expect } from 'chai';
import type { Context } from 'mocha';
import { InputError } from '../../src/errors.js';
import { featureSurgery, redundantSurgery, type SurgeryInput, similarityMaps } from '../../src/segment/surgery.js';
import { expectClose, type GoldenTensor, goldenPath, readGolden } from '../goldens.js';

const runs = [
  'tiny.last3blocks.square',
  'tiny.last3blocks.128x128',
  'deep7.last6blocks.square',
  'deep7.last6blocks.128x128',
];
const classes = 6;

const golden = (test: Context) => readGolden(goldenPath(test, 'dense/dense.safetensors'));

/** Each image of a golden `[images, …]` on its own. */
function* images({ data, shape }: GoldenTensor): Generator<Float32Array> {
  const length = data.length / shape[0]!;
  for (let i = 0; i < shape[0]!; i++) yield (data as Float32Array).slice(i * length, (i + 1) * length);
}

/** Rows of unit length; the stored features are as they leave the projection. */
function unitRows(values: Float32Array, width: number): Float32Array {
  const out = values.slice();
  for (let start = 0; start < out.length; start += width) {
    const row = out.subarray(start, start + width);
    const norm = Math.hypot(...row);
    for (let i = 0; i < width; i++) row[i]! /= norm;
  }
  return out;
}

/** The published elementwise form: products of width size, weighted, their mean over the texts taken away. */
function elementwise({ features, texts, width }: SurgeryInput): number[] {
  const tokens = features.length / width;
  const dot = (i: number, c: number) => {
    let sum = 0;
    for (let e = 0; e < width; e++) sum += features[i * width + e]! * texts[c * width + e]!;
    return sum;
  };
  const exponentials = Array.from({ length: classes }, (_, c) => Math.exp(2 * dot(0, c)));
  const total = exponentials.reduce((a, b) => a + b);
  const weights = exponentials.map(value => (value / total) * classes);
  const out: number[] = [];
  for (let i = 0; i < tokens; i++) {
    const sums = new Array<number>(classes).fill(0);
    for (let e = 0; e < width; e++) {
      const products = weights.map((w, c) => features[i * width + e]! * texts[c * width + e]! * w);
      const mean = products.reduce((a, b) => a + b) / classes;
      for (let c = 0; c < classes; c++) sums[c]! += products[c]! - mean;
    }
    out.push(...sums);
  }
  return out;
}

describe('feature surgery against the published code', () => {
  for (const run of runs) {
    it(`${run}: similarities, by all texts and by a redundant one`, function () {
      const all = golden(this);
      const texts = all['surgery/text_features']!.data as Float32Array;
      const width = all['surgery/text_features']!.shape[1]!;
      const expected = [...images(all[`surgery/${run}.feature_surgery_similarity`]!)];
      const expectedRedundant = [...images(all[`surgery/${run}.feature_surgery_redundant`]!)];
      for (const [i, features] of [...images(all[`surgery/${run}.features`]!)].entries()) {
        const input = { features: unitRows(features, width), texts, classes, width };
        const where = { name: `image ${i}`, shape: [features.length / width, classes] };
        expectClose(featureSurgery(input), expected[i]!, { maxAbs: 1e-6 }, where);
        expectClose(featureSurgery(input), elementwise(input), { maxAbs: 1e-6 }, where);
        // The fixtures take the first text as the redundant one.
        const redundant = texts.subarray(0, width);
        expectClose(redundantSurgery(input, redundant), expectedRedundant[i]!, { maxAbs: 1e-6 }, where);
      }
    });
  }

  for (const run of runs.filter(name => name.endsWith('square'))) {
    it(`${run}: similarity maps`, function () {
      const all = golden(this);
      const expected = [...images(all[`surgery/${run}.similarity_map`]!)];
      for (const [i, similarity] of [...images(all[`surgery/${run}.feature_surgery_similarity`]!)].entries()) {
        const maps = similarityMaps(similarity, classes, [4, 4], [32, 32]);
        const planes = maps.map((_, at) => expected[i]![(at % 1024) * classes + Math.floor(at / 1024)]!);
        expectClose(maps, planes, { maxAbs: 1e-6 }, { name: `image ${i}`, shape: [classes, 32, 32] });
      }
    });
  }
});

describe('similarityMaps', () => {
  it('takes a grid that is not square and leaves the class token out', () => {
    // Class token, then two rows of three patches, one class.
    const maps = similarityMaps(Float32Array.of(99, 2, 4, 6, 2, 4, 6), 1, [2, 3], [2, 3]);
    expectClose(maps, [0, 0.5, 1, 0, 0.5, 1], { maxAbs: 1e-6 });
  });

  it('gives 0 for a class that is the same everywhere', () => {
    expect(Array.from(similarityMaps(Float32Array.of(1, 5, 5), 1, [1, 2], [1, 2]))).to.deep.equal([0, 0]);
  });

  it('refuses lengths that disagree', () => {
    expect(() => similarityMaps(new Float32Array(5), 1, [2, 3], [4, 4])).to.throw(InputError, '(1 + 2 x 3) x 1 = 7');
    expect(() => similarityMaps(new Float32Array(7), 1, [2, 3], [0, 4])).to.throw(InputError, 'similarityMaps: size');
    expect(() => similarityMaps(new Float32Array(7), 1, [2, 3], [60_000, 60_000])).to.throw(InputError, '2 GiB');
  });
});

describe('feature surgery', () => {
  const input = { features: new Float32Array(6), texts: new Float32Array(6), classes: 2, width: 3 };

  it('refuses lengths that disagree', () => {
    expect(() => featureSurgery({ ...input, classes: 3 })).to.throw(
      InputError,
      'expected 3 texts x 3 = 9 values, got 6',
    );
    expect(() => featureSurgery({ ...input, features: new Float32Array(7) })).to.throw(InputError, 'whole tokens of 3');
    expect(() => featureSurgery({ ...input, features: new Float32Array(0) })).to.throw(InputError, 'whole tokens');
    expect(() => redundantSurgery(input, new Float32Array(2))).to.throw(
      InputError,
      'a redundant text of 3 values, got 2',
    );
  });
});
