import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { scoresOf } from '../../../src/evaluate/confusion.js';
import { boundaryRegions, boundaryWidth } from '../../../src/evaluate/metrics/boundary.js';
import { imageCounts } from '../../../src/evaluate/metrics/imageCounts.js';
import { confusionOf } from '../../../src/evaluate/metrics/ratios.js';
import type { ImageRecord } from '../../../src/evaluate/records.js';
import { expectClose, type GoldenTensor, goldenPath, readGolden } from '../../goldens.js';

/** A mask that is padded by a ring of zeros and eroded `times` by a square of 3 x 3, step by step. */
function eroded(mask: readonly boolean[], height: number, width: number, times: number): boolean[] {
  let now = [...mask];
  for (let step = 0; step < times; step++) {
    const before = now;
    const at = (y: number, x: number) => y >= 0 && x >= 0 && y < height && x < width && before[y * width + x]!;
    now = before.map((_, i) => {
      const [y, x] = [Math.floor(i / width), i % width];
      return [-1, 0, 1].every(dy => [-1, 0, 1].every(dx => at(y + dy, x + dx)));
    });
  }
  return now;
}

/** Boundary regions by the definition, one class after the other. */
function naiveRegions(labels: readonly number[], height: number, width: number, reach: number): number[] {
  const regions = labels.map(() => 0);
  for (const label of new Set(labels)) {
    const mask = labels.map(other => other === label);
    const inner = eroded(mask, height, width, reach);
    for (const [i, is] of mask.entries()) if (is && !inner[i]) regions[i] = 1;
  }
  return regions;
}

const map = fc
  .tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 14 }), fc.constantFrom(1, 2, 4), fc.nat(99))
  .chain(([height, width, cell, seed]) => {
    // Blocks with a few other pixels in them, so that some pixels lie inside.
    const block = (i: number) => Math.floor(Math.floor(i / width) / cell) * 5 + Math.floor((i % width) / cell);
    const blocks = Array.from({ length: height * width }, (_, i) => ((block(i) * (seed + 1)) % 7) % 3);
    const change = fc.tuple(fc.nat(height * width - 1), fc.constantFrom(0, 1, 2, 255));
    return fc.array(change, { maxLength: 4 }).map(changes => {
      for (const [at, label] of changes) blocks[at] = label;
      return { height, width, labels: blocks };
    });
  });

describe('boundary regions', () => {
  it('are what erosion takes away, for any reach', () => {
    fc.assert(
      fc.property(map, fc.integer({ min: 1, max: 6 }), ({ height, width, labels }, reach) => {
        expect([...boundaryRegions(labels, height, width, reach)]).to.deep.equal(
          naiveRegions(labels, height, width, reach),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('run along the border of the image and meet pixels of two labels on both sides', () => {
    const labels = Array.from({ length: 7 * 9 }, (_, i) => (i % 9 < 5 ? 1 : 2));
    const rows = Array.from({ length: 7 }, (_, y) =>
      [...boundaryRegions(labels, 7, 9, 1).slice(9 * y, 9 * y + 9)].join(''),
    );
    const within = '100011001';
    expect(rows).to.deep.equal(['111111111', within, within, within, within, within, '111111111']);
  });

  it('are 2 % of the diagonal wide, halves to the even number as Python rounds', () => {
    // round(0.02 * sqrt(h ** 2 + w ** 2)) of Python 3, at least 1.
    const known = [
      [375, 500, 12],
      [75, 100, 2],
      [105, 140, 4],
      [480, 640, 16],
      [1024, 2048, 46],
      [20, 15, 1],
      [1, 1, 1],
      [45, 60, 2],
    ] as const;
    for (const [height, width, reach] of known) {
      expect(boundaryWidth(height, width), `${height} x ${width}`).to.equal(reach);
    }
  });
});

describe('imageCounts', () => {
  it('counts pairs in rising order and the boundaries of each class', () => {
    // A square of 5 x 5 of class 1 in a 9 x 9 image, predicted one column to the right; boundaries are one pixel wide.
    const square = (left: number) => (_: unknown, i: number) => {
      const [y, x] = [Math.floor(i / 9), i % 9];
      return y >= 2 && y < 7 && x >= left && x < left + 5 ? 1 : 0;
    };
    const [truth, predicted] = [2, 3].map(left => Array.from({ length: 81 }, square(left))) as [number[], number[]];
    const { pairs, boundary } = imageCounts(truth, predicted, { classes: 3, height: 9, width: 9 });
    expect(pairs).to.deep.equal([0, 0, 51, 0, 1, 5, 1, 0, 5, 1, 1, 20]);
    // Of the squares' edges of 16 pixels, 4 along the top and 4 below are shared.
    const both = (label: number) => {
      const [a, b] = [truth, predicted].map(labels => {
        const regions = naiveRegions(labels, 9, 9, 1);
        return regions.map((edge, i) => (labels[i] === label ? edge : 0));
      }) as [number[], number[]];
      return [label, a.filter((edge, i) => edge && b[i]).length, a.filter((edge, i) => edge || b[i]).length];
    };
    expect(boundary).to.deep.equal([...both(0), ...both(1)]);
    expect(boundary.slice(3)).to.deep.equal([1, 8, 24]);
  });

  it('finds boundaries first and takes ignored pixels out of them then', () => {
    const { height, width } = { height: 12, width: 12 };
    const truth = Array.from({ length: 144 }, (_, i) => (i % 12 < 5 ? 0 : i % 12 < 7 ? 255 : 1));
    const predicted = truth.map((_, i) => (i % 12 < 6 ? 0 : 1));
    const { pairs, boundary } = imageCounts(truth, predicted, { classes: 2, height, width });
    expect(pairs).to.deep.equal([0, 0, 60, 1, 1, 60]);
    // The true edge beside what is ignored is column 4; the predicted one, column 5, is ignored.
    const edge = { true: 2 * 12 + 2 * 3, predicted: 12 + 2 * 4 };
    expect(boundary).to.deep.equal([0, edge.predicted, edge.true, 1, edge.predicted, edge.true]);
  });

  it('agrees with the definition on any maps', () => {
    fc.assert(
      fc.property(map, fc.nat(1000), ({ height, width, labels: truth }, seed) => {
        const predicted = truth.map((label, i) => ((i * 7919 + seed) % 5 === 0 ? (label + seed) % 3 : label % 3));
        const { pairs, boundary } = imageCounts(truth, predicted, { classes: 3, height, width });
        const counted = truth.map((_, i) => i).filter(i => truth[i] !== 255);
        const reach = boundaryWidth(height, width);
        const edges = [truth, predicted].map(labels => naiveRegions(labels, height, width, reach)) as [
          number[],
          number[],
        ];
        const expected = { pairs: [] as number[], boundary: [] as number[] };
        for (const is of [0, 1, 2]) {
          for (const called of [0, 1, 2]) {
            const pixels = counted.filter(i => truth[i] === is && predicted[i] === called).length;
            if (pixels > 0) expected.pairs.push(is, called, pixels);
          }
          if (!counted.some(i => truth[i] === is || predicted[i] === is)) continue;
          const [a, b] = [
            (i: number) => truth[i] === is && edges[0][i] === 1,
            (i: number) => predicted[i] === is && edges[1][i] === 1,
          ];
          expected.boundary.push(
            is,
            counted.filter(i => a(i) && b(i)).length,
            counted.filter(i => a(i) || b(i)).length,
          );
        }
        expect({ pairs, boundary }).to.deep.equal(expected);
      }),
    );
  });

  it('gives the scores of mmsegmentation', function () {
    const sets: GoldenSet[] = JSON.parse(readFileSync(goldenPath(this, 'segmentation/miou.json'), 'utf8'));
    const maps = readGolden(goldenPath(this, 'segmentation/miou_maps.safetensors'));
    const outside: number[] = [];
    for (const { set, num_classes: classes, reduce_zero_label: reduce, images, note, ...golden } of sets) {
      const countsOf = (image: number): ImageRecord => {
        const [label, prediction] = ['label', 'prediction'].map(map => maps[`set${set}.image${image}.${map}`]!) as [
          GoldenTensor,
          GoldenTensor,
        ];
        const [height, width] = label.shape as [number, number];
        const truth = Array.from(label.data as Uint8Array, value => (reduce ? zeroIgnored(value) : value));
        const counts = imageCounts(truth, prediction.data as Uint8Array, { classes, height, width });
        return { id: String(image), height, width, methods: [counts] };
      };
      if (note.startsWith('labels outside')) {
        // There such labels lower nobody's score in silence; here they are a broken data set.
        expect(() => countsOf(0)).to.throw(InputError, `from 0 to ${classes - 1}, got`);
        outside.push(set);
        continue;
      }
      const records = Array.from({ length: images }, (_, image) => countsOf(image));
      const scores = scoresOf(confusionOf(records, 0, classes));
      const numbers = (values: readonly (number | null)[]) => values.map(value => value ?? Number.NaN);
      const close = { maxAbs: 1e-6 };
      expectClose(
        scores.perClass.map(({ iou }) => iou),
        numbers(golden.per_class_IoU),
        close,
        { name: `IoU of ${set}` },
      );
      expectClose(
        scores.perClass.map(({ accuracy }) => accuracy),
        numbers(golden.per_class_Acc),
        close,
      );
      const summary = [scores.mIoU, scores.mAcc, scores.aAcc].map(score => Math.round(score * 1e4) / 100);
      const { mIoU, mAcc, aAcc } = golden.summary_percent_rounded_2;
      expectClose(summary, numbers([mIoU, mAcc, aAcc]), { maxAbs: 1e-5 });
    }
    expect(outside).to.have.length(1);
  });

  it('refuses maps of another size and labels that are no class', () => {
    const form = { classes: 3, height: 2, width: 2 };
    const refuses = (truth: number[], predicted: number[], message: string) =>
      expect(() => imageCounts(truth, predicted, form)).to.throw(InputError, message);
    refuses([0, 1, 2], [0, 0, 0, 0], 'expected 2 x 2 = 4 labels, one a pixel; got 3');
    refuses([0, 1, 2, 0], [0, 0, 0, 0, 0], 'expected 2 x 2 = 4 predictions, one a pixel; got 5');
    refuses([0, 1, 3, 0], [0, 0, 0, 0], 'from 0 to 2, got 3 as the label of pixel 2');
    refuses([0, 1, 2, 0], [0, 0, 0, -1], 'from 0 to 2, got -1 as the prediction of pixel 3');
    refuses([0, 1, 2, 0], [0, 0.5, 0, 0], 'from 0 to 2, got 0.5 as the prediction of pixel 1');
    // At an ignored pixel a prediction may be anything.
    expect(imageCounts([0, 255, 0, 0], [0, 255, 0, 0], form).pairs).to.deep.equal([0, 0, 3]);
    expect(imageCounts([255, 255, 255, 255], [0, 1, 2, 9], form)).to.deep.equal({ pairs: [], boundary: [] });
  });
});

interface GoldenSet {
  readonly set: number;
  readonly num_classes: number;
  readonly reduce_zero_label: boolean;
  readonly images: number;
  readonly note: string;
  readonly per_class_IoU: readonly (number | null)[];
  readonly per_class_Acc: readonly (number | null)[];
  readonly summary_percent_rounded_2: { readonly [score in 'aAcc' | 'mIoU' | 'mAcc']: number | null };
}

/** Label 0 does not count, and the others move down. */
const zeroIgnored = (label: number): number => (label === 0 || label === 255 ? 255 : label - 1);
