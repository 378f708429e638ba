/** COCO's panoptic annotations: one JSON file of images, segments and categories (cocodataset.org, "Panoptic"). */
import { InputError } from '../../errors.js';
import { type JsonCursor, readInteger, readNumber, readString, refuse } from '../../files/json.js';
import { listOf, readFileName, readJsonFile, readRecord } from '../../files/jsonRecords.js';
import { quoted } from '../../files/quote.js';

/** What a segment shows. */
export interface PanopticCategory {
  readonly id: number;
  readonly name: string;
  /** Whether it can be counted. */
  readonly thing: boolean;
}

/** One segment of an image. */
export interface PanopticSegment {
  /** Its number in the image's map: red + 256 green + 65536 blue. */
  readonly id: number;
  readonly category: number;
  /** Left, top, width, height in pixels. */
  readonly bbox: readonly number[];
}

/** An annotated image. */
export interface PanopticImage {
  readonly id: number;
  /** File of the image, and of its map of segments, in their folders. */
  readonly file: string;
  readonly map: string;
  readonly width: number;
  readonly height: number;
  readonly segments: readonly PanopticSegment[];
}

/** A whole file. */
export interface Panoptic {
  /** By rising id: the index is the label. */
  readonly categories: readonly PanopticCategory[];
  /** In the file's order. */
  readonly images: readonly PanopticImage[];
}

/** A map in memory has 16 bits a pixel. */
const mostSegments = 65_535;

/**
 * Reads annotations, checked against themselves. Segments that are marked as a crowd are segments like others, as in
 * CLIPSelf's evaluation.
 * @throws InputError naming the place: no such JSON, ids that come twice or lead nowhere, images without annotation or
 *   the reverse, boxes without area or outside their image, file names that lead out of a folder
 */
export function readPanoptic(path: string): Panoptic {
  const { images, annotations, categories } = readFile(path);
  const labels = byId(path, 'category', categories);
  const pictures = byId(path, 'image', images);
  const maps = byId(
    path,
    'annotation of image',
    annotations.map(({ image_id, ...rest }) => ({ id: image_id, ...rest })),
  );
  const stray = [...maps.keys()].find(id => !pictures.has(id));
  if (stray !== undefined) throw new InputError(`${path}: the annotation of image ${stray} belongs to no image of it`);
  if (images.length === 0) throw new InputError(`${path}: expected images, got none`);
  return {
    categories: categories
      .map(({ id, name, isthing }) => ({ id, name, thing: isthing === 1 }))
      .sort((a, b) => a.id - b.id),
    images: images.map(({ id, file_name, width, height }) => {
      const annotation = maps.get(id);
      if (!annotation) throw new InputError(`${path}: image ${id} (${quoted(file_name)}) has no annotation`);
      const segments = annotation.segments_info.map(({ id, category_id, bbox }) => ({
        id,
        category: category_id,
        bbox,
      }));
      if (segments.length > mostSegments) {
        throw new InputError(`${path}: image ${id}: expected at most ${mostSegments} segments, got ${segments.length}`);
      }
      byId(path, `image ${id}: segment`, segments);
      for (const segment of segments) checkSegment(`${path}: image ${id}`, segment, { width, height }, labels);
      return { id, file: file_name, map: annotation.file_name, width, height, segments };
    }),
  };
}

/** The parts of the file that are wanted, as they stand there. */
const readFile = (path: string) =>
  readJsonFile(path, cursor =>
    readRecord(cursor, 'panoptic annotations', {
      images: listOf(readImage),
      annotations: listOf(readAnnotation),
      categories: listOf(readCategory),
    }),
  );

const readImage = (cursor: JsonCursor) =>
  readRecord(cursor, 'an image', {
    id: readInteger,
    file_name: readFileName,
    width: readInteger,
    height: readInteger,
  });

const readAnnotation = (cursor: JsonCursor) =>
  readRecord(cursor, 'an annotation', {
    image_id: readInteger,
    file_name: readFileName,
    segments_info: listOf(readSegment),
  });

const readSegment = (cursor: JsonCursor) =>
  readRecord(cursor, 'a segment', { id: readInteger, category_id: readInteger, bbox: listOf(readNumber) });

const readCategory = (cursor: JsonCursor) =>
  readRecord(cursor, 'a category', { id: readInteger, name: readString, isthing: readFlag });

function readFlag(cursor: JsonCursor): number {
  const flag = readInteger(cursor);
  return flag <= 1 ? flag : refuse(cursor, '0 or 1 before this');
}

/** @throws InputError for an id that comes twice */
function byId<T extends { readonly id: number }>(path: string, what: string, all: readonly T[]): Map<number, T> {
  const map = new Map<number, T>();
  for (const one of all) {
    if (map.has(one.id)) throw new InputError(`${path}: ${what} ${one.id} is there twice`);
    map.set(one.id, one);
  }
  return map;
}

function checkSegment(
  where: string,
  { id, category, bbox }: PanopticSegment,
  { width, height }: Pick<PanopticImage, 'width' | 'height'>,
  labels: ReadonlyMap<number, unknown>,
): void {
  const fail = (expected: string, got: unknown) => {
    throw new InputError(`${where}: segment ${id}: expected ${expected}, got ${got}`);
  };
  if (id < 1 || id >= 2 ** 24) fail('an id from 1 to 16777215', id);
  if (!labels.has(category)) fail('a category of the file', category);
  const [left, top, w, h] = bbox as [number, number, number, number];
  const whole = bbox.length === 4 && left >= 0 && top >= 0 && w > 0 && h > 0 && left + w <= width && top + h <= height;
  if (!whole) fail(`bbox as [left, top, width, height] within ${width} x ${height} pixels`, `[${bbox.slice(0, 8)}]`);
}
