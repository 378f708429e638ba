/** What evaluation sees of a data set, whatever its files look like. */
import type { Picture } from '../../image/picture.js';
import type { ClassFlavour } from '../../segment/classLists.js';
import type { PublishedDataset } from '../../segment/protocols.js';
import type { Vocabulary } from '../../segment/vocabulary.js';

/** An image and the class of each of its pixels. */
export interface LabelledImage {
  readonly id: string;
  readonly picture: Picture;
  /** A class in the data set's order, or `ignoredLabel`; as many as the picture has pixels, row by row. */
  readonly labels: Uint8Array;
}

/** Labelled images that are read one at a time. */
export interface Dataset {
  /** As it was asked for: `voc21:/data/VOC2012`. */
  readonly spec: string;
  /** Its kind: `voc21`. */
  readonly kind: string;
  /** Whose published settings hold for it; none for scenes. */
  readonly setting?: PublishedDataset;
  /** Whose names it asks for: the published lists', which have several wordings, its own folder's, or the user's. */
  readonly namesFrom: 'published' | 'folder' | 'user';
  /** One name a class, in label order, for tables. */
  readonly classes: readonly string[];
  /** Whether class 0 is what no other class is. */
  readonly background: boolean;
  /** One name an image, all different, in the order of the data set's own list. */
  readonly ids: readonly string[];
  /** SHA-256 of what decides the results beside the pixels: kind, names and ids. Equal wherever the files lie. */
  readonly fingerprint: string;
  /** The names to ask for, in a method's wording. @throws InputError where there is no list in that wording */
  vocabulary(wording: ClassFlavour): Vocabulary;
  /**
   * Reads image `index`.
   * @throws InputError naming the file, for a label map of another size than its image, a label that is no class, colours
   *   where indices are expected, or a file that is missing or broken
   */
  read(index: number): Promise<LabelledImage>;
}
