/** COCO's panoptic annotations as a data set of regions. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { printable } from '../../files/quote.js';
import { readPicture } from '../../image/decode.js';
import { boxAt } from '../../regions/boxes.js';
import { buildVocabulary } from '../../segment/vocabulary.js';
import { imageAt, requireFile } from '../datasets/files.js';
import { readPanoptic } from './panopticFile.js';
import { readPanopticMap } from './panopticMap.js';
import { extents, type RegionDataset } from './regionDataset.js';

/** Where it may begin, from the path that was given, and where its files lie then. */
const roots = ['', 'coco', 'COCO'];
const annotationFile = 'annotations/panoptic_val2017.json';
const imageFolders = ['val2017', 'images/val2017'];
const mapFolders = ['annotations/panoptic_val2017', 'panoptic_val2017'];

/**
 * Opens COCO's panoptic validation images: `annotations/panoptic_val2017.json`, the maps in the folder of that name
 * beside it, and `val2017`, there or in `images`. Labels are the file's categories by rising id, which of COCO gives
 * the usual 133. Pixels are taken as they are stored: no EXIF orientation is applied.
 * @throws InputError for a path without these, or annotations that are not consistent
 */
export function openPanoptic(spec: string, path: string): RegionDataset {
  const where = printable(spec);
  const root = roots.map(root => join(path, root)).find(root => existsSync(join(root, annotationFile)));
  if (path === '' || root === undefined) {
    throw new InputError(`${where}: expected a folder with ${annotationFile} after the colon, found none`);
  }
  const folderOf = (names: readonly string[], what: string): string => {
    const found = names.map(name => join(root, name)).find(folder => existsSync(folder));
    if (found !== undefined) return found;
    throw new InputError(`${where}: expected ${what} in ${names.join(' or ')} of ${root}, found no such folder`);
  };
  const [pictures, maps] = [folderOf(imageFolders, 'images'), folderOf(mapFolders, 'maps of segments')];
  const file = join(root, annotationFile);
  const { categories, images } = readPanoptic(file);
  const labels = new Map(categories.map(({ id }, label) => [id, label]));
  const names = categories.map(({ name }) => [spoken(name)]);
  return {
    spec,
    kind: 'coco-panoptic',
    classes: categories.map(({ name, thing }) => ({ name, thing })),
    vocabulary: buildVocabulary(names, { where: `${file}: categories`, repeats: 'keep' }),
    ids: images.map(({ id }) => String(id)),
    async read(index) {
      const { id, file: name, map: mapName, width, height, segments } = imageAt(images, index, where);
      const [path, mapPath] = [join(pictures, name), join(maps, mapName)];
      requireFile(path, 'the image');
      requireFile(mapPath, `the map of segments of ${path}`);
      const picture = { ...(await readPicture(path)), orientation: 1 };
      if (picture.width !== width || picture.height !== height) {
        const got = `${picture.width} x ${picture.height}`;
        throw new InputError(`${path}: expected ${width} x ${height} pixels as annotated, got ${got}`);
      }
      const ids = segments.map(segment => segment.id);
      const map = readPanopticMap(mapPath, ids, picture);
      const seen = extents(map, width, segments.length);
      return {
        id: String(id),
        picture,
        map,
        segments: segments.map(({ id, category, bbox }, i) => {
          const extent = seen[i];
          if (!extent) throw new InputError(`${mapPath}: expected pixels of the annotated segment ${id}, found none`);
          const label = labels.get(category)!;
          return { label, box: categories[label]!.thing ? boxAt(bbox) : extent };
        }),
      };
    },
  };
}

/** A category's name as one would say it: COCO marks what it has merged and what is the rest of its kind. */
const spoken = (name: string): string => name.replace(/(?:-(?:other|merged|stuff))+$/, '').replace(/[-_]/g, ' ');
