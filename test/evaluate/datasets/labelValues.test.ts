import { expect } from 'chai';
import {
  asNumbered,
  cityscapesIds,
  contextAll,
  type LabelValues,
  objectsOf,
  stuffCategories,
  stuffTrainIds,
  withoutFirst,
} from '../../../src/evaluate/datasets/labelValues.js';

const classesOf = ({ table }: LabelValues, numbers: readonly number[]) => numbers.map(number => table[number]);
/** Those of a table's numbers that have a class. */
const used = ({ table }: LabelValues) =>
  [...table.keys()].filter(number => table[number]! >= 0 && table[number] !== 255);

describe('label values', () => {
  it('as they are numbered', () => {
    expect(classesOf(asNumbered(21), [0, 1, 20, 21, 254, 255])).to.deep.equal([0, 1, 20, -1, -1, 255]);
    expect(used(asNumbered(21))).to.have.length(21);
  });

  it('as reduce_zero_label makes them', () => {
    // mmsegmentation: 0 becomes 255, all fall by one, 254 becomes 255.
    const published = (number: number) => {
      const fallen = (number === 0 ? 255 : number) - 1;
      return fallen === 254 ? 255 : fallen;
    };
    const { table } = withoutFirst(asNumbered(151));
    for (const number of [0, 1, 2, 149, 150, 255]) expect(table[number], String(number)).to.equal(published(number));
    expect(classesOf({ table, expected: '' }, [151, 254])).to.deep.equal([-1, -1]);
  });

  it('of COCO-Stuff: the 171 categories in use, in order', () => {
    expect(used(stuffCategories)).to.have.length(171);
    expect(used(stuffCategories).map(number => stuffCategories.table[number])).to.deep.equal(
      Array.from({ length: 171 }, (_, i) => i),
    );
    // Pairs out of mmsegmentation's converter, around every gap.
    const pairs: [number, number][] = [
      ...([
        [0, 0],
        [10, 10],
        [12, 11],
        [24, 23],
        [26, 24],
        [27, 25],
        [30, 26],
        [43, 39],
        [45, 40],
      ] as [number, number][]),
      ...([
        [64, 59],
        [66, 60],
        [69, 61],
        [71, 62],
        [81, 72],
        [83, 73],
        [89, 79],
        [91, 80],
        [181, 170],
      ] as [number, number][]),
    ];
    for (const [raw, trained] of pairs) expect(stuffCategories.table[raw], String(raw)).to.equal(trained);
    expect(classesOf(stuffCategories, [11, 90, 182, 254, 255])).to.deep.equal([-1, -1, -1, -1, 255]);
  });

  it('of COCO-Object: stuff and the unlabelled are the background', () => {
    expect(classesOf(objectsOf(stuffCategories), [0, 12, 89, 91, 181, 255, 11])).to.deep.equal([
      1, 12, 80, 0, 0, 0, -1,
    ]);
    expect(classesOf(objectsOf(stuffTrainIds), [0, 11, 79, 80, 170, 255, 171])).to.deep.equal([1, 12, 80, 0, 0, 0, -1]);
  });

  it('of Cityscapes: 19 label ids of 34', () => {
    // road, sidewalk, building, person, car, bicycle; unlabelled, ego vehicle, parking, caravan.
    expect(classesOf(cityscapesIds, [7, 8, 11, 24, 26, 33])).to.deep.equal([0, 1, 2, 11, 13, 18]);
    expect(classesOf(cityscapesIds, [0, 1, 9, 29, 255, 34])).to.deep.equal([255, 255, 255, 255, 255, -1]);
    expect(used(cityscapesIds)).to.have.length(19);
  });

  it('of Pascal Context: 60 of 459 classes, the others are the background', () => {
    // In the order of mmsegmentation's converter.
    const kept = [
      0, 2, 259, 260, 415, 324, 9, 258, 144, 18, 19, 22, 23, 397, 25, 284, 158, 159, 416, 33, 162, 420, 454, 295, 296,
      427, 44, 45, 46, 308, 59, 440, 445, 31, 232, 65, 354, 424, 68, 326, 72, 458, 34, 207, 80, 355, 85, 347, 220, 349,
      360, 98, 187, 104, 105, 366, 189, 368, 113, 115,
    ].sort((a, b) => a - b);
    expect(kept).to.have.length(60);
    for (let id = 0; id < 460; id++) expect(contextAll.table[id], String(id)).to.equal(Math.max(kept.indexOf(id), 0));
    expect(classesOf(withoutFirst(contextAll), [0, 1, 2, 458])).to.deep.equal([255, 255, 0, 58]);
  });
});
