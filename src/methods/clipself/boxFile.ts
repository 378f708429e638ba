/** Boxes of pictures from a JSON file as COCO's annotations are (cocodataset.org, "Data format"). */
import { InputError } from '../../errors.js';
import { type JsonCursor, readInteger, readNumber } from '../../files/json.js';
import { listOf, readFileName, readJsonFile, readRecord } from '../../files/jsonRecords.js';
import { quoted } from '../../files/quote.js';

/** Pictures and the boxes known of them, as plain data that passes between threads. */
export interface BoxTable {
  /** Paths in the folder of pictures, in the file's order. */
  readonly files: readonly string[];
  /** Where the boxes of each begin among all, and at the end their number. */
  readonly starts: Uint32Array;
  /** Left, top, width and height of each, in pixels. */
  readonly boxes: Float64Array;
}

/**
 * Reads `images` (`id`, `file_name`) and `annotations` (`image_id`, `bbox`) of a file; what else is in it is passed over.
 * Pictures without annotations have no boxes.
 * @throws InputError naming the place: no such JSON, no pictures, one that comes twice or lies outside its folder, a box
 *   of no picture or with a side that is negative or not finite
 */
export function readBoxes(path: string): BoxTable {
  const { images, annotations } = readFile(path);
  if (images.length === 0) throw new InputError(`${path}: expected pictures under 'images', got none`);
  const places = new Map<number, number>();
  const names = new Set<string>();
  images.forEach(({ id, file_name: file }, place) => {
    if (places.has(id)) throw new InputError(`${path}: expected each picture once, got id ${id} twice`);
    if (names.has(file)) throw new InputError(`${path}: expected each picture once, got ${quoted(file)} twice`);
    places.set(id, place);
    names.add(file);
  });
  const starts = new Uint32Array(images.length + 1);
  const placeOf = (image: number) => {
    const place = places.get(image);
    if (place === undefined) throw new InputError(`${path}: a box is of image ${image}, which is none of its images`);
    return place;
  };
  for (const { image_id } of annotations) starts[placeOf(image_id) + 1]!++;
  for (let i = 0; i < images.length; i++) starts[i + 1]! += starts[i]!;
  const boxes = new Float64Array(4 * annotations.length);
  const next = starts.slice();
  for (const { image_id, bbox } of annotations) boxes.set(bbox, 4 * next[placeOf(image_id)]!++);
  return { files: images.map(({ file_name }) => file_name), starts, boxes };
}

const readFile = (path: string) =>
  readJsonFile(path, cursor =>
    readRecord(cursor, 'annotations', { images: listOf(readImage), annotations: listOf(readAnnotation) }),
  );

const readImage = (cursor: JsonCursor) => readRecord(cursor, 'an image', { id: readInteger, file_name: readFileName });

const readAnnotation = (cursor: JsonCursor) =>
  readRecord(cursor, 'an annotation', { image_id: readInteger, bbox: readBox });

function readBox(cursor: JsonCursor): number[] {
  const box = listOf(readNumber)(cursor);
  const [, , width, height] = box;
  if (box.length === 4 && box.every(Number.isFinite) && width! >= 0 && height! >= 0) return box;
  const got = quoted(JSON.stringify(box), 60);
  throw new InputError(`${cursor.describe(cursor.path)}: expected left, top, width and height in pixels, got ${got}`);
}
