/** What the numbers in label maps mean: each data set numbers its classes in its own way. */
import { ignoredLabel } from '../confusion.js';

/** The numbers that a label map may hold. */
export interface LabelValues {
  /** By number: its class, `ignoredLabel`, or -1 where it may not occur. More than 256 of them: maps may have 16 bits. */
  readonly table: Int16Array;
  /** The numbers in words, for messages. */
  readonly expected: string;
}

/** What a number means that may not occur. */
const none = -1;

const tableOf = (length: number, classOf: (value: number) => number | undefined): Int16Array =>
  Int16Array.from({ length }, (_, value) => classOf(value) ?? none);

/** Class i is number i, and 255 does not count. */
export function asNumbered(classes: number): LabelValues {
  const table = tableOf(256, value => (value < classes || value === ignoredLabel ? value : undefined));
  return { table, expected: `0 to ${classes - 1} or ${ignoredLabel}` };
}

/** The same numbers without class 0, which does not count, and the others one less: mmsegmentation's `reduce_zero_label`. */
export function withoutFirst({ table, expected }: LabelValues): LabelValues {
  const reduced = (value: number) => (value === 0 ? ignoredLabel : value === ignoredLabel ? value : value - 1);
  return { table: table.map(value => (value === none ? none : reduced(value))), expected };
}

/** COCO-Stuff's train ids: 80 things, 91 stuffs. */
export const stuffTrainIds = asNumbered(171);
const things = 80;

/** Of COCO's 182 category ids less one, those that no pixel has. */
const unusedStuff = [11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90];

/** COCO-Stuff's published pixel maps: category id - 1; the train ids number those in use. */
export const stuffCategories: LabelValues = {
  table: tableOf(256, value => {
    if (value === ignoredLabel) return value;
    return value > 181 || unusedStuff.includes(value) ? undefined : value - unusedStuff.filter(id => id < value).length;
  }),
  expected: `0 to 181 less ${unusedStuff.join(', ')}, or ${ignoredLabel}`,
};

/** COCO-Object out of COCO-Stuff: things from 1 on; stuff and what is unlabelled are the background. */
export const objectsOf = ({ table, expected }: LabelValues): LabelValues => ({
  table: table.map(value => (value === none ? none : value < things ? value + 1 : 0)),
  expected,
});

/** Of Cityscapes' label ids, those that have a train id, in its order. */
const cityscapesTrained = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33];

/** Cityscapes' label ids; those without a train id do not count. */
export const cityscapesIds: LabelValues = {
  table: tableOf(256, value => {
    if (value > 33 && value !== ignoredLabel) return undefined;
    const trained = cityscapesTrained.indexOf(value);
    return trained < 0 ? ignoredLabel : trained;
  }),
  expected: `0 to 33 or ${ignoredLabel}`,
};

/** Of Pascal Context's 459 classes (0: none of them), those of the 60, in alphabetical order of their names. */
const contextKept = [
  0, 2, 9, 18, 19, 22, 23, 25, 31, 33, 34, 44, 45, 46, 59, 65, 68, 72, 80, 85, 98, 104, 105, 113, 115, 144, 158, 159,
  162, 187, 189, 207, 220, 232, 258, 259, 260, 284, 295, 296, 308, 324, 326, 347, 349, 354, 355, 360, 366, 368, 397,
  415, 416, 420, 424, 427, 440, 445, 454, 458,
];

/** Pascal Context's 459 classes; those outside the 60 are the background. */
export const contextAll: LabelValues = {
  table: tableOf(460, value => Math.max(contextKept.indexOf(value), 0)),
  expected: '0 to 459',
};
