import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Context } from 'mocha';
import { InputError } from '../../../src/errors.js';
import { classProbabilities, type LabelMap, type LabelOptions, labelMap } from '../../../src/segment/dense/labels.js';
import { type DenseLogits, denseFromPlanes } from '../../../src/segment/dense/logits.js';
import { expectClose, goldenPath } from '../../goldens.js';
import { type Case, cases, type Method, pipelineCase, stitchCase } from './pipelineGolden.js';

interface Measured {
  prob_thd?: number;
  area_thd?: number;
  logit_scale: number;
}

/** The settings that the reference ran `<method> <case> <run>` with. */
function measured(test: Context, method: Method, name: Case, run: string): Measured {
  const manifest = JSON.parse(readFileSync(goldenPath(test, 'segmentation/manifest.json'), 'utf8'));
  return manifest.measured[`${method} ${name} ${run}`];
}

/**
 * Labels may differ from the reference only where its two best classes are closer than 1e-4, or where its best probability
 * is that close to the threshold; at most one pixel in two hundred.
 */
function expectLabels(
  map: LabelMap,
  probabilities: Float32Array,
  expected: ArrayLike<number>,
  threshold: number,
): void {
  const plane = map.height * map.width;
  let different = 0;
  for (let i = 0; i < plane; i++) {
    if (map.labels[i] === expected[i]) continue;
    different++;
    const ordered = Array.from(map.pixels, (_, c) => probabilities[c * plane + i]!).sort((a, b) => b - a);
    const doubtful = ordered[0]! - ordered[1]! < 1e-4 || Math.abs(ordered[0]! - threshold) < 1e-4;
    if (!doubtful)
      throw new Error(`pixel ${i}: class ${map.labels[i]} instead of ${expected[i]}, by ${ordered.join(' ')}`);
  }
  expect(different).to.be.at.most(plane / 200);
}

describe('labelMap against the published pipelines', () => {
  const runs: [Method, string][] = [
    ['sclip', 'plain'],
    ['sclip', 'thresholds'],
    ['clearclip', 'plain'],
    ['clearclip', 'prob_thd'],
  ];
  for (const [method, run] of runs) {
    for (const name of cases) {
      it(`${method} ${name} ${run}: labels`, function () {
        const golden = pipelineCase(this, name, method);
        const settings = measured(this, method, name, run);
        const options: LabelOptions = {
          scale: settings.logit_scale,
          classOfQuery: golden.classOfQuery,
          classes: 5,
          probThreshold: settings.prob_thd ?? 0,
          areaThreshold: settings.area_thd ?? 0,
        };
        const dense = stitchCase(golden);
        const map = labelMap(dense, options);
        const probabilities = classProbabilities(dense, options, map.dropped);
        expectLabels(map, probabilities, golden.array(`${method}.${run}.prediction`), options.probThreshold!);
      });
    }
  }

  const stored: [Method, Case, string][] = [
    ['sclip', 'a', 'thresholds'],
    ['sclip', 'small', 'plain'],
    ['sclip', 'small', 'thresholds'],
    ['clearclip', 'small', 'plain'],
    ['clearclip', 'small', 'prob_thd'],
  ];
  for (const [method, name, run] of stored) {
    it(`${method} ${name} ${run}: class probabilities`, function () {
      const golden = pipelineCase(this, name, method);
      const { logit_scale: scale, area_thd: areaThreshold = 0 } = measured(this, method, name, run);
      const options = { scale, classOfQuery: golden.classOfQuery, classes: 5, areaThreshold };
      const dense = stitchCase(golden);
      const { dropped } = labelMap(dense, options);
      const where = { shape: [5, ...golden.output] };
      const actual = classProbabilities(dense, options, dropped);
      expectClose(actual, golden.array(`${method}.${run}.class_probabilities`), { maxAbs: 1e-4 }, where);
    });
  }
});

/** One row of pixels, each given by its logits. */
function picture(pixels: readonly (readonly number[])[]): DenseLogits {
  const queries = pixels[0]!.length;
  const planes = Float32Array.from({ length: queries * pixels.length }, (_, i) => {
    return pixels[i % pixels.length]![Math.floor(i / pixels.length)]!;
  });
  return denseFromPlanes(planes, queries, 1, pixels.length);
}

const threeClasses = { scale: 1, classOfQuery: Int32Array.of(0, 1, 1, 2), classes: 3 };

describe('labelMap', () => {
  const dense = picture([
    [3, 0, 0, 0],
    [0, 0, 3, 0],
    [0, 3, 0, 0],
    [0, 1, 0, 3],
  ]);

  it('gives a class the pixels of any of its names', () => {
    const map = labelMap(dense, threeClasses);
    expect(Array.from(map.labels)).to.deep.equal([0, 1, 1, 2]);
    expect(Array.from(map.pixels)).to.deep.equal([1, 2, 1]);
    expect(map).not.to.have.property('probability');
  });

  it('takes the largest probability of a class, not the sum of its names', () => {
    // Names 1 and 2 together hold more than half, each less than name 3.
    const map = labelMap(picture([[0, 1, 1, 1.2]]), { ...threeClasses, probabilities: true });
    const total = 1 + 2 * Math.exp(1) + Math.exp(1.2);
    expect(Array.from(map.labels)).to.deep.equal([2]);
    expectClose(map.probability!, [Math.exp(1.2) / total], { maxAbs: 1e-6 });
  });

  it('drops a class at the area threshold, keeps one above, and never drops the background', () => {
    // Foreground: two pixels of class 1, one of class 2; class 2 has a third of it.
    expect(Array.from(labelMap(dense, { ...threeClasses, areaThreshold: 1 / 3 }).labels)).to.deep.equal([0, 1, 1, 1]);
    expect(Array.from(labelMap(dense, { ...threeClasses, areaThreshold: 0.33 }).labels)).to.deep.equal([0, 1, 1, 2]);
    const all = labelMap(dense, { ...threeClasses, areaThreshold: 1 });
    expect(Array.from(all.labels)).to.deep.equal([0, 0, 0, 0]);
    expect(all.dropped).to.deep.equal([1, 2]);
  });

  it('gives unsure pixels to the background, wherever that is', () => {
    const sure = Math.exp(3) / (Math.exp(3) + 3);
    const options = { ...threeClasses, probThreshold: sure - 0.01, background: 1 };
    const map = labelMap(dense, { ...options, probabilities: true });
    expect(Array.from(map.labels)).to.deep.equal([0, 1, 1, 1]);
    expectClose(map.probability!, [sure, sure, sure, Math.exp(3) / (Math.exp(3) + Math.exp(1) + 2)], { maxAbs: 1e-6 });
  });

  it('gives unsure pixels a label of their own when the background is no class', () => {
    const sure = Math.exp(3) / (Math.exp(3) + 3);
    const options = { ...threeClasses, background: 3 };
    const map = labelMap(dense, { ...options, probThreshold: sure - 0.01 });
    expect(Array.from(map.labels)).to.deep.equal([0, 1, 1, 3]);
    expect(Array.from(map.pixels)).to.deep.equal([1, 2, 0, 1]);
    // All four pixels are foreground: classes 0 and 2 have a quarter each.
    expect(labelMap(dense, { ...options, areaThreshold: 0.25 }).dropped).to.deep.equal([0, 2]);
    const none = labelMap(dense, { ...options, areaThreshold: 0.5, probabilities: true });
    expect(Array.from(none.labels)).to.deep.equal([3, 3, 3, 3]);
    expect(Array.from(none.probability!)).to.deep.equal([0, 0, 0, 0]);
  });

  const logits = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 24, maxLength: 24 });

  it('agrees with class probabilities, and a threshold of 0 changes nothing', () => {
    fc.assert(
      fc.property(logits, values => {
        const any = denseFromPlanes(Float32Array.from(values), 4, 2, 3);
        const map = labelMap(any, { ...threeClasses, scale: 10, probabilities: true });
        const explicit = { ...threeClasses, scale: 10, probThreshold: 0, areaThreshold: 0 };
        expect(labelMap(any, explicit).labels).to.deep.equal(map.labels);
        const probabilities = classProbabilities(any, { ...threeClasses, scale: 10 });
        for (let i = 0; i < 6; i++) {
          const own = [0, 1, 2].map(c => probabilities[c * 6 + i]!);
          expectClose([Math.max(...own)], [map.probability![i]!], { maxAbs: 1e-6 });
          expectClose([own[map.labels[i]!]!], [map.probability![i]!], { maxAbs: 1e-6 });
        }
      }),
      { numRuns: 100 },
    );
  });

  it('keeps exactly the pixels whose probability reaches the threshold, were it by the last bit', () => {
    const scale = fc.constantFrom(0.01, 10, 40, 100);
    const area = fc.constantFrom(0, 0.3);
    fc.assert(
      fc.property(
        logits,
        scale,
        area,
        fc.nat(5),
        fc.constantFrom(-1, 0, 1),
        (values, scale, areaThreshold, at, bit) => {
          const any = denseFromPlanes(Float32Array.from(values), 4, 2, 3);
          const options = { ...threeClasses, scale, areaThreshold };
          const { labels, probability } = labelMap(any, { ...options, probabilities: true });
          const bits = Int32Array.of(new Int32Array(probability!.buffer)[at]! + bit);
          const probThreshold = Math.min(new Float32Array(bits.buffer)[0]!, 1);
          const expected = Array.from(labels, (label, i) => (probability![i]! < probThreshold ? 0 : label));
          expect(Array.from(labelMap(any, { ...options, probThreshold }).labels)).to.deep.equal(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('does not depend on the order of classes', () => {
    fc.assert(
      fc.property(logits, values => {
        const planes = Float32Array.from(values);
        const forwards = labelMap(denseFromPlanes(planes, 4, 2, 3), { ...threeClasses, probThreshold: 0.4 });
        // Queries and classes turned round, so the background is class 2.
        const turned = Float32Array.from(values, (_, i) => planes[(3 - Math.floor(i / 6)) * 6 + (i % 6)]!);
        const backwards = labelMap(denseFromPlanes(turned, 4, 2, 3), {
          ...threeClasses,
          classOfQuery: Int32Array.of(0, 1, 1, 2),
          probThreshold: 0.4,
          background: 2,
        });
        for (let i = 0; i < 6; i++) {
          const column = [0, 1, 2, 3].map(q => planes[q * 6 + i]!);
          const best = Math.max(...column);
          if (column.filter(v => v === best).length > 1) continue;
          expect(backwards.labels[i]).to.equal(2 - forwards.labels[i]!);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('uses wider pixels for more than 256 classes', () => {
    const classes = 300;
    const planes = new Float32Array(classes).fill(0);
    planes[299] = 1;
    const options = { scale: 1, classOfQuery: Int32Array.from(planes.keys()), classes };
    const { labels } = labelMap(denseFromPlanes(planes, classes, 1, 1), options);
    expect(labels).to.deep.equal(Uint16Array.of(299));
  });

  const bad: [string, Partial<LabelOptions>, string][] = [
    ['a scale of 0', { scale: 0 }, 'logit scale above 0'],
    ['an endless scale', { scale: Number.POSITIVE_INFINITY }, 'logit scale above 0'],
    ['a threshold above 1', { probThreshold: 1.5 }, 'expected probThreshold from 0 to 1, got 1.5'],
    ['a threshold that is no number', { areaThreshold: Number.NaN }, 'expected areaThreshold from 0 to 1, got NaN'],
    ['a background out of range', { background: 4 }, 'labels: background'],
    ['another number of queries', { classOfQuery: Int32Array.of(0, 1, 2) }, '4 queries have logits, but 3'],
    ['a class out of range', { classOfQuery: Int32Array.of(0, 1, 3, 2) }, 'query 2 is of class 3, of 3'],
    ['a class without queries', { classOfQuery: Int32Array.of(0, 1, 1, 1) }, '3 classes, but only 2'],
    ['no classes', { classes: 0 }, 'labels: classes'],
  ];
  for (const [name, change, message] of bad) {
    it(`refuses ${name}`, () => {
      expect(() => labelMap(dense, { ...threeClasses, ...change })).to.throw(InputError, message);
    });
  }

  it('refuses planes of another size, and rows outside', () => {
    expect(() => denseFromPlanes(new Float32Array(7), 2, 2, 2)).to.throw(InputError, 'expected 2 x 2 x 2 = 8');
    expect(() => dense.row(1, new Float32Array(16))).to.throw(InputError, 'row: y');
  });
});
