/** COCO's panoptic annotations: one JSON file of images, segments and categories (cocodataset.org, "Panoptic"). */
import { InputError } from '../../errors.js';
import { openBytes } from '../../files/bytes.js';
import {
  expectEnd,
  type JsonCursor,
  jsonCursor,
  readArray,
  readInteger,
  readNumber,
  readObject,
  readString,
  refuse,
  skipValue,
} from '../../files/json.js';
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

/** The text has to fit a string. */
const mostBytes = 400e6;

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
function readFile(path: string) {
  const source = openBytes(path);
  try {
    if (source.size > mostBytes) {
      throw new InputError(`${path}: expected at most ${mostBytes} bytes of JSON, got ${source.size}`);
    }
    const cursor = jsonCursor(source.read(0, source.size), keys => [path, ...keys].join(': '));
    const whole = readRecord(cursor, 'panoptic annotations', {
      images: listOf(readImage),
      annotations: listOf(readAnnotation),
      categories: listOf(readCategory),
    });
    expectEnd(cursor);
    return whole;
  } finally {
    source.close();
  }
}

type Read<T> = (cursor: JsonCursor) => T;

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

/** Reads an object of which some members are wanted, each of which must be there; others are passed over. */
function readRecord<R extends Readonly<Record<string, Read<unknown>>>>(
  cursor: JsonCursor,
  what: string,
  readers: R,
): { [K in keyof R]: ReturnType<R[K]> } {
  const found: Record<string, unknown> = {};
  readObject(cursor, key => {
    if (Object.hasOwn(readers, key)) found[key] = readers[key]!(cursor);
    else skipValue(cursor);
  });
  const lacking = Object.keys(readers).filter(key => !Object.hasOwn(found, key));
  if (lacking.length > 0) refuse(cursor, `${what} with ${lacking.join(', ')} before this`);
  return found as { [K in keyof R]: ReturnType<R[K]> };
}

const listOf =
  <T>(read: Read<T>): Read<T[]> =>
  cursor => {
    const items: T[] = [];
    readArray(cursor, () => items.push(read(cursor)));
    return items;
  };

function readFlag(cursor: JsonCursor): number {
  const flag = readInteger(cursor);
  return flag <= 1 ? flag : refuse(cursor, '0 or 1 before this');
}

/** A file in a folder, perhaps in folders below it. */
function readFileName(cursor: JsonCursor): string {
  const name = readString(cursor);
  const inside = name.split('/').every(part => part !== '' && part !== '.' && part !== '..');
  if (inside && !/[\\:\p{C}]/u.test(name)) return name;
  throw new InputError(
    `${cursor.describe(cursor.path)}: expected the name of a file in its folder, got ${quoted(name)}`,
  );
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
