/** The published data sets: where their files lie, and what the numbers in their label maps mean. */
import type { PublishedDataset } from '../../segment/protocols.js';
import {
  asNumbered,
  cityscapesIds,
  contextAll,
  type LabelValues,
  objectsOf,
  stuffCategories,
  stuffTrainIds,
  withoutFirst,
} from './labelValues.js';

/** Label maps of one naming. */
export interface LabelFiles {
  readonly folder: string;
  /** What follows the image's id in their names. */
  readonly suffix: string;
  readonly values: LabelValues;
  /** What the numbers mean where the first maps hold some that `values` has not. */
  readonly otherwise?: LabelValues;
}

/** A published data set on disk. Of several variants, the first that is there holds. */
export interface Kind {
  /** Its class list. */
  readonly classList: string;
  readonly setting?: PublishedDataset;
  readonly background: boolean;
  /** Where it may begin, from the path that was given. */
  readonly roots: readonly string[];
  /** Folders of images. */
  readonly images: readonly string[];
  /** What follows the id in an image's name; by default the extension of any picture. */
  readonly imageSuffix?: string;
  readonly labels: readonly LabelFiles[];
  /** Lists of the ids to evaluate; without a list, all images are. */
  readonly lists: readonly string[];
  /** Whether there must be a list. */
  readonly listed: boolean;
  /** What the numbers mean in a folder that brings as many classes of its own; without it, no such folder is read. */
  readonly ownValues?: (classes: number) => LabelValues;
}

const setOf = (setting: PublishedDataset, background = false) => ({ classList: setting, setting, background });

const voc = {
  roots: ['', 'VOC2012', 'VOCdevkit/VOC2012'],
  images: ['JPEGImages'],
  lists: ['ImageSets/Segmentation/val.txt'],
  listed: true,
};
const vocLabels = { folder: 'SegmentationClass', suffix: '.png' };

const context = {
  roots: ['', 'VOC2010', 'VOCdevkit/VOC2010'],
  images: ['JPEGImages'],
  lists: ['ImageSets/SegmentationContext/val.txt'],
  listed: true,
};
const contextLabels = { folder: 'SegmentationClassContext', suffix: '.png' };

const coco = {
  roots: ['', 'coco_stuff164k', 'coco-stuff', 'coco', 'coco_object'],
  images: ['images/val2017', 'val2017'],
  lists: ['imageLists/val.txt'],
  listed: false,
};
const stuffLabels: readonly LabelFiles[] = [
  { folder: 'annotations/val2017', suffix: '_labelTrainIds.png', values: stuffTrainIds },
  { folder: 'stuffthingmaps/val2017', suffix: '_labelTrainIds.png', values: stuffTrainIds },
  { folder: 'stuffthingmaps_detectron2/val2017', suffix: '.png', values: stuffTrainIds },
  { folder: 'annotations/val2017', suffix: '.png', values: stuffCategories },
  { folder: 'stuffthingmaps/val2017', suffix: '.png', values: stuffCategories },
  { folder: 'stuffthingmaps_trainval2017/val2017', suffix: '.png', values: stuffCategories },
];

const stuff10kLabels = { suffix: '_labelTrainIds.png', values: withoutFirst(asNumbered(172)) };

const published = {
  voc21: {
    ...voc,
    ...setOf('voc21', true),
    labels: [{ ...vocLabels, values: asNumbered(21) }],
    ownValues: asNumbered,
  },
  voc20: { ...voc, ...setOf('voc20'), labels: [{ ...vocLabels, values: withoutFirst(asNumbered(21)) }] },
  context60: {
    ...context,
    ...setOf('context60', true),
    labels: [{ ...contextLabels, values: asNumbered(60), otherwise: contextAll }],
  },
  context59: {
    ...context,
    ...setOf('context59'),
    labels: [{ ...contextLabels, values: withoutFirst(asNumbered(60)), otherwise: withoutFirst(contextAll) }],
  },
  'coco-stuff': { ...coco, ...setOf('coco-stuff'), labels: stuffLabels, ownValues: asNumbered },
  // Its published settings are the methods' own, not those of the larger set.
  'coco-stuff10k': {
    classList: 'coco-stuff',
    background: false,
    roots: ['', 'coco_stuff10k', 'cocostuff-10k-v1.1'],
    images: ['images/test2014', 'images'],
    labels: [
      { folder: 'annotations/test2014', ...stuff10kLabels },
      { folder: 'annotations', ...stuff10kLabels },
    ],
    lists: ['imageLists/test.txt', 'imagesLists/test.txt'],
    listed: false,
  },
  'coco-object': {
    ...coco,
    ...setOf('coco-object', true),
    labels: [
      { folder: 'annotations/val2017', suffix: '_instanceTrainIds.png', values: asNumbered(81) },
      ...stuffLabels.map(files => ({ ...files, values: objectsOf(files.values) })),
    ],
  },
  cityscapes: {
    ...setOf('cityscapes'),
    roots: ['', 'cityscapes'],
    images: ['leftImg8bit/val'],
    imageSuffix: '_leftImg8bit.png',
    labels: [
      { folder: 'gtFine/val', suffix: '_gtFine_labelTrainIds.png', values: asNumbered(19) },
      { folder: 'gtFine/val', suffix: '_gtFine_labelIds.png', values: cityscapesIds },
    ],
    lists: [],
    listed: false,
  },
  ade20k: {
    ...setOf('ade20k'),
    roots: ['', 'ADEChallengeData2016', 'ade/ADEChallengeData2016'],
    images: ['images/validation'],
    labels: [{ folder: 'annotations/validation', suffix: '.png', values: withoutFirst(asNumbered(151)) }],
    lists: [],
    listed: false,
    ownValues: classes => withoutFirst(asNumbered(classes + 1)),
  },
} satisfies Readonly<Record<string, Kind>>;

/** The name of a data set on disk. */
export type KindName = keyof typeof published;

/** Every published data set by the name that a specification begins with. */
export const kinds: Readonly<Record<KindName, Kind>> = published;
