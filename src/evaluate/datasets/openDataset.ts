import { existsSync } from 'node:fs';
import { InputError, suggestion } from '../../errors.js';
import { printable, quoted } from '../../files/quote.js';
import { readPicture } from '../../image/decode.js';
import type { Vocabulary } from '../../segment/vocabulary.js';
import { classesFrom, fingerprintOf, namesOf, ownClasses, publishedNames } from './classNames.js';
import type { Dataset } from './dataset.js';
import { type DatasetFiles, findFiles, imageAt, requireFile } from './files.js';
import { type KindName, kinds } from './kinds.js';
import { exceeds, readLabels } from './labelMap.js';
import type { LabelValues } from './labelValues.js';
import { openScenes } from './scenes.js';

/** How a data set is opened. */
export interface DatasetOptions {
  /** A file with a class a line in label order, synonyms after commas: what to ask for in place of the usual names. */
  readonly classesFile?: string | undefined;
  /** Takes lines of advice, such as that label maps have no images. */
  readonly warn?: ((text: string) => void) | undefined;
}

/** What a specification begins with. */
export const datasetKinds: readonly string[] = [...Object.keys(kinds), 'scenes'];

/**
 * Opens a data set by `KIND:PATH`, or `scenes:seed=S,n=N,classes=KIND` for scenes that are drawn when they are read
 * (seed: that of held-out scenes by default; classes: `colours` by default, `shapes` or `things`).
 *
 * The path is that of a data set in a published layout, or of a folder above it. Only names are kept; images and
 * labels are read one at a time. Pixels are taken as they are stored, since labels are: no EXIF orientation is applied.
 *
 * - `voc21`, `voc20`: `JPEGImages`, `SegmentationClass`, `ImageSets/Segmentation/val.txt`.
 * - `context60`, `context59`: `JPEGImages`, `SegmentationClassContext` (numbers 0 to 59, or those of the 459 classes,
 *   which the first maps tell by numbers above 59 or 16 bits), `ImageSets/SegmentationContext/val.txt`.
 * - `coco-stuff`, `coco-object`: `images/val2017` or `val2017`; mmsegmentation's `annotations/val2017/*_labelTrainIds.png`
 *   (for objects `*_instanceTrainIds.png` first), or the published `stuffthingmaps/val2017`, there or in
 *   `annotations/val2017`; all images, or those of `imageLists/val.txt`.
 * - `coco-stuff10k`: `images/test2014`, `annotations/test2014/*_labelTrainIds.png`.
 * - `cityscapes`: `leftImg8bit/val`, `gtFine/val` (`labelTrainIds` where they are, else `labelIds`).
 * - `ade20k`: `images/validation`, `annotations/validation`.
 *
 * A folder of `voc21`, `coco-stuff` or `ade20k` with a `classes.txt` (a class a line) at its top has these classes and
 * not the published ones: label i is line i, counted from 0, and ADE20K's numbers are one more. `clipscope scenes`
 * writes such folders. They have no published setting and no background.
 *
 * @throws InputError for another kind, a path without such a data set, no images, or an id that comes twice
 */
export async function openDataset(spec: string, { classesFile, warn }: DatasetOptions = {}): Promise<Dataset> {
  const { kind, rest, where } = parseSpec(spec);
  if (kind === 'scenes') {
    const scenes = openScenes(spec, rest);
    return classesFile === undefined ? scenes : withClasses(scenes, classesFile);
  }
  const files = openFiles(where, kind, rest);
  const [fault] = files.faults;
  if (fault) throw new InputError(`${fault.file}: ${fault.problem}`);
  const [stray, ...more] = files.strays;
  if (stray) warn?.(`${stray.file}: ${stray.problem}${more.length > 0 ? `; nor have ${more.length} others` : ''}`);
  const dataset = datasetOf(spec, kind, files);
  return classesFile === undefined ? dataset : withClasses(dataset, classesFile);
}

interface ParsedSpec {
  readonly kind: KindName | 'scenes';
  /** What follows the colon. */
  readonly rest: string;
  /** The specification as messages begin with it. */
  readonly where: string;
}

/** @throws InputError for an unknown kind */
export function parseSpec(spec: string): ParsedSpec {
  const colon = spec.indexOf(':');
  const kind = colon < 0 ? spec : spec.slice(0, colon);
  if (!datasetKinds.includes(kind)) {
    throw new InputError(`data set: expected KIND:PATH, got ${quoted(spec)}${suggestion(kind, datasetKinds)}`);
  }
  return { kind: kind as KindName | 'scenes', rest: colon < 0 ? '' : spec.slice(colon + 1), where: printable(spec) };
}

/** A data set's files, and how they are read. */
export interface OpenFiles extends DatasetFiles {
  readonly values: LabelValues;
  readonly own?: Vocabulary | undefined;
}

/** @throws InputError as `findFiles` and `ownClasses` */
export function openFiles(where: string, kind: KindName, path: string): OpenFiles {
  const files = findFiles(where, kinds[kind], path);
  const own = ownClasses(kind, files.root);
  const values = (own && kinds[kind].ownValues?.(own.classes.length)) ?? valuesOf(files);
  return { ...files, values, own };
}

/** How many maps are looked at to tell what their numbers mean. */
const mapsTried = 8;

function valuesOf({ labelFiles: { values, otherwise }, images }: DatasetFiles): LabelValues {
  if (!otherwise) return values;
  const there = images.map(({ labels }) => labels).filter(path => existsSync(path));
  return there.slice(0, mapsTried).some(path => exceeds(path, values)) ? otherwise : values;
}

function datasetOf(spec: string, kind: KindName, { images, values, own }: OpenFiles): Dataset {
  const { classList, setting, background } = kinds[kind];
  const names = own ? namesOf(own, 'folder') : publishedNames(classList);
  const ids = images.map(({ id }) => id);
  return {
    spec,
    kind,
    ...names,
    ...(setting && !own && { setting }),
    background: background && !own,
    ids,
    fingerprint: fingerprintOf(kind, names, ids),
    async read(index) {
      const { id, image, labels } = imageAt(images, index, printable(spec));
      requireFile(image, 'the image');
      requireFile(labels, `the label map of ${image}`);
      const picture = { ...(await readPicture(image)), orientation: 1 };
      return { id, picture, labels: readLabels(labels, values, picture) };
    },
  };
}

/** The same data set under the user's names. */
function withClasses(dataset: Dataset, path: string): Dataset {
  const { kind, ids, classes, spec } = dataset;
  const names = namesOf(classesFrom(path, classes.length, printable(spec)), 'user');
  return { ...dataset, ...names, fingerprint: fingerprintOf(kind, names, ids) };
}
