/** The class names of the usual data sets, as the published methods word them. Sources: `data/classes/README.md`. */
import { InputError, suggestion } from '../errors.js';
import { quoted } from '../files/quote.js';
import { shippedJson } from '../files/shipped.js';
import { buildVocabulary, type Vocabulary } from './vocabulary.js';

/**
 * Whose wording: `sclip` (also NACLIP, ResCLIP, SC-CLIP; 26 words for the background), `clearclip` (the background is
 * called `background`), `proxyclip` (also Trident), `maskclip` (also the two big vocabularies; names with proper blanks).
 */
export const classFlavours = ['sclip', 'clearclip', 'proxyclip', 'maskclip'] as const;

/** The name of a wording. */
export type ClassFlavour = (typeof classFlavours)[number];

/** A data set's classes in label order. */
export interface ClassList extends Vocabulary {
  readonly dataset: string;
  /** Whether class 0 is the background, which thresholds may give pixels to. */
  readonly background: boolean;
}

/** One class a string, its names parted by `; `. */
type Lists = Readonly<Record<string, readonly string[]>>;

const withBackground = new Set(['voc21', 'context60', 'coco-object']);

const read = (file: string): unknown => shippedJson(`classes/${file}`);

/** The lists of one wording by data set. ImageNet's names are OpenAI's whatever the wording. */
function listsOf(flavour: ClassFlavour): Lists {
  const imagenet = read('imagenet') as string[];
  const own = read(flavour) as Lists;
  if (flavour !== 'clearclip') {
    const { background: _, ...lists } = own;
    return { ...lists, imagenet };
  }
  const things = (read('maskclip') as Lists)['coco-stuff']!.slice(0, 80);
  return {
    ...(read('sclip') as Lists),
    ...own,
    voc21: ['background', ...own.voc20!],
    'coco-object': ['background', ...things],
    imagenet,
  };
}

function checkFlavour(flavour: ClassFlavour): void {
  if (!classFlavours.includes(flavour)) {
    throw new InputError(
      `classList: no wording is called ${quoted(String(flavour))}${suggestion(String(flavour), classFlavours)}`,
    );
  }
}

/** The data sets that a wording has a list for. @throws InputError for an unknown wording. */
export function classListNames(flavour: ClassFlavour = 'sclip'): string[] {
  checkFlavour(flavour);
  return Object.keys(listsOf(flavour));
}

/**
 * The class names of a data set: `voc21`, `voc20`, `context60`, `context59`, `coco-object`, `coco-stuff`, `cityscapes`,
 * `ade20k`, `imagenet`; `proxyclip` and `maskclip` have some of these and `context459`, `proxyclip` also `ade20k-full`.
 * Names repeated in the published lists stay.
 * @throws InputError for an unknown data set or wording, with the nearest.
 */
export function classList(dataset: string, flavour: ClassFlavour = 'sclip'): ClassList {
  checkFlavour(flavour);
  const lists = listsOf(flavour);
  if (!Object.hasOwn(lists, dataset)) {
    throw new InputError(
      `classList: ${flavour} has no class list ${quoted(String(dataset))}${suggestion(String(dataset), Object.keys(lists))}`,
    );
  }
  const groups = lists[dataset]!.map(line => line.split('; '));
  return {
    ...buildVocabulary(groups, { where: `classList ${dataset}`, repeats: 'keep' }),
    dataset,
    background: withBackground.has(dataset),
  };
}

/**
 * Names that together stand for "none of these", to put in front of one's own classes as class 0: SCLIP's 26 words for
 * stuff (`sky`, `wall`, `tree` …), ProxyCLIP's 26, MaskCLIP's 5, or ClearCLIP's one, `background`.
 * @throws InputError for an unknown wording.
 */
export function backgroundNames(flavour: ClassFlavour = 'sclip'): readonly string[] {
  checkFlavour(flavour);
  if (flavour === 'clearclip') return ['background'];
  const lists = read(flavour) as Lists;
  return flavour === 'maskclip' ? lists.background! : lists.voc21![0]!.split('; ');
}
