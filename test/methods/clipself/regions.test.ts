import { expect } from 'chai';
import fc from 'fast-check';
import { chooseRegions, type Region, some } from '../../../src/methods/clipself/regions.js';
import type { Box } from '../../../src/regions/boxes.js';
import { randomStream } from '../../../src/scenes/random.js';
import { crops } from './golden.js';

const grid = { size: 128, regions: 'grid', maxSplit: 6, maxRegions: 20, cropScale: 1 } as const;
const boxes = { ...grid, regions: 'boxes', cropScale: 1.5 } as const;
const sizes = { image0: { width: 200, height: 150 }, image1: { width: 121, height: 183 } };
const list = ({ left, top, right, bottom }: Box) => [left, top, right, bottom];
const inOrder = (regions: readonly Region[]) =>
  [...regions].sort((a, b) => a.student.top - b.student.top || a.student.left - b.student.left);
/** Rows of four numbers. */
const rows = (name: string) => {
  const { data } = crops[name]!;
  return Array.from({ length: data.length / 4 }, (_, i) => Array.from(data.slice(4 * i, 4 * i + 4), Number));
};

describe('chooseRegions', () => {
  for (const [image, cells] of [
    ['image0', '2x3'],
    ['image1', '3x2'],
  ] as const) {
    it(`cells of ${image} as the published code has them, to the bit`, () => {
      const expected = rows(`${image}.grid${cells}.boxes_normalised`);
      // Some step draws this grid.
      for (let step = 1; step < 500; step++) {
        const regions = inOrder(chooseRegions(grid, sizes[image], [], randomStream(7, step)));
        const found = regions.map(({ student }) => list(student));
        const isIt = regions.length === 6 && Math.abs(found[0]![2]! - expected[0]![2]!) < 1e-3;
        if (!isIt) continue;
        expect(found).to.deep.equal(expected);
        return;
      }
      throw new Error('no step drew the grid');
    });

    it(`boxes of ${image} to the last bit but one, and what the teacher sees of each`, () => {
      const given = rows(`${image}.proposals_xywh`).map(([x, y, w, h]) => {
        return { left: x!, top: y!, right: x! + w!, bottom: y! + h! };
      });
      const byPlace = chooseRegions(boxes, sizes[image], given, randomStream(1));
      const expected = rows(`${image}.proposal.boxes_normalised`);
      const teacher = rows(`${image}.proposal.crop_boxes_xyxy_rounded`);
      expect(byPlace).to.have.length(6);
      for (const { student, crop } of byPlace) {
        const i = expected.findIndex(row => row.every((value, k) => Math.abs(value - list(student)[k]!) < 1e-7));
        expect(i, `${list(student)}`).to.be.at.least(0);
        for (const [k, value] of list(crop).entries()) expect(Math.abs(value - teacher[i]![k]!)).to.be.at.most(0.5001);
      }
    });
  }

  it('draws every grid of 6 splits, at most 20 cells of each, none twice', () => {
    const counts = new Map<number, number>();
    for (let step = 0; step < 2000; step++) {
      const regions = chooseRegions(grid, { width: 300, height: 200 }, [], randomStream(3, step));
      expect(new Set(regions.map(({ student }) => String(list(student)))).size).to.equal(regions.length);
      counts.set(regions.length, (counts.get(regions.length) ?? 0) + 1);
    }
    const total = [...counts].reduce((sum, [cells, times]) => sum + cells * times, 0);
    // 24 grids of 13 cells after the cap on average; its standard error here is 0.14.
    expect(total / 2000).to.be.closeTo(13, 0.5);
    expect(Math.max(...counts.keys())).to.equal(20);
    expect(counts.get(20)! / 2000).to.be.closeTo(7 / 24, 0.05);
  });

  it('takes a number of boxes first, then those of them that will do', () => {
    const tiny = Array.from({ length: 500 }, (_, i): Box => ({ left: i, top: 0, right: i + 7, bottom: 9 }));
    const good: Box = { left: 10, top: 20, right: 40, bottom: 60 };
    const size = { width: 800, height: 600 };
    const of = (list: Box[], seed: number) => chooseRegions(boxes, size, list, randomStream(seed));
    const counts = Array.from({ length: 200 }, (_, seed) => of([...tiny, good], seed)[0]!.student.left > 0);
    expect(counts).to.include(true).and.to.include(false);
    const corner = {
      student: { left: 0, top: 0, right: 0.25, bottom: 0.1875 },
      crop: { left: 0, top: 0, right: 200, bottom: 150 },
    };
    expect(of(tiny, 1)).to.deep.equal([corner]);
    expect(of([], 1)).to.deep.equal([corner]);
    const [{ crop }] = of([good], 1) as [Region];
    expect(crop).to.deep.equal({ left: 2.5, top: 10, right: 47.5, bottom: 70 });
    expect(chooseRegions({ ...boxes, cropScale: 1 }, size, [good], randomStream(1))[0]!.crop).to.deep.equal(good);
  });

  it('keeps regions inside whatever the picture and the boxes are', () => {
    const number = fc.double({ min: -3000, max: 3000, noNaN: true });
    const box = fc.record({ left: number, top: number, right: number, bottom: number });
    const side = fc.integer({ min: 1, max: 2000 });
    fc.assert(
      fc.property(fc.array(box), side, side, fc.nat(), fc.boolean(), (list, width, height, seed, isGrid) => {
        const regions = chooseRegions(isGrid ? grid : boxes, { width, height }, list, randomStream(seed));
        expect(regions.length).to.be.within(1, 20);
        for (const { student, crop } of regions) {
          expect(student.left < student.right && student.top < student.bottom).to.equal(true);
          expect(Math.min(student.left, student.top, crop.left, crop.top)).to.be.at.least(0);
          expect(Math.max(student.right * Math.max(width, height) - width, crop.right - width)).to.be.at.most(1e-3);
          expect(crop.bottom).to.be.at.most(height * (1 + 1e-6));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('some', () => {
  it('takes each alike often, in any order', () => {
    const counts = [0, 0, 0, 0, 0];
    for (let seed = 0; seed < 5000; seed++) {
      const [first, ...rest] = some([0, 1, 2, 3, 4], 3, randomStream(seed));
      expect(new Set([first, ...rest]).size).to.equal(3);
      counts[first!]!++;
    }
    for (const count of counts) expect(count).to.be.within(880, 1120);
  });
});
