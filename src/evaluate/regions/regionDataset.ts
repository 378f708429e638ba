/** What the evaluation of regions sees of a data set, and which of its segments count. */
import type { Picture } from '../../image/picture.js';
import { type Box, enlarged, isRegionSized } from '../../regions/boxes.js';
import type { Vocabulary } from '../../segment/vocabulary.js';

/** A class of segments. */
export interface RegionClass {
  readonly name: string;
  /** Whether it can be counted (people, cars), or is stuff (sky, grass). */
  readonly thing: boolean;
}

/** One segment of an image. */
export interface Segment {
  /** Its class. */
  readonly label: number;
  /** Of things as annotated, of stuff as `extents` has it; in pixels. */
  readonly box: Box;
}

/** An image and its segments. */
export interface SegmentedImage {
  readonly id: string;
  readonly picture: Picture;
  readonly segments: readonly Segment[];
  /** For each pixel, row by row, 1 + the index of its segment; 0 where there is none. */
  readonly map: Uint16Array;
}

/** Segmented images that are read one at a time. */
export interface RegionDataset {
  /** As it was asked for: `coco-panoptic:/data/coco`. */
  readonly spec: string;
  readonly kind: 'coco-panoptic' | 'scenes';
  readonly classes: readonly RegionClass[];
  /** What to ask for, a class each. */
  readonly vocabulary: Vocabulary;
  /** One name an image, all different. */
  readonly ids: readonly string[];
  /** @throws InputError naming the file that is missing, broken, or does not fit the others */
  read(index: number): Promise<SegmentedImage>;
}

/** A segment that counts. */
export interface Region extends Segment {
  /** Its number in the map. */
  readonly number: number;
  /** What the image tower is shown of it: things with what is around them, stuff alone. */
  readonly crop: Box;
}

/** Segments that are looked at, of an image. */
const mostSegments = 100;
/** What a crop of a thing measures, in sizes of its box. */
const cropScale = 1.5;

/**
 * The segments of an image that count (CLIPSelf, `COCOPanopticDataset`): of the first hundred those whose box is of 8^2
 * to 1024^2 pixels.
 */
export function regionsOf(
  { segments, picture: { width, height } }: SegmentedImage,
  classes: readonly RegionClass[],
): Region[] {
  return segments.slice(0, mostSegments).flatMap(({ label, box }, i) => {
    if (!isRegionSized(box)) return [];
    const crop = classes[label]!.thing ? enlarged(box, cropScale, width, height) : box;
    return [{ label, box, number: i + 1, crop }];
  });
}

/**
 * First and last column and row of each segment of a map, as published: a box of them ends with its last pixel, not behind
 * it. Undefined for a segment without a pixel.
 */
export function extents(map: Uint16Array, width: number, segments: number): (Box | undefined)[] {
  const found = Array.from({ length: segments + 1 }, () => ({ left: width, top: -1, right: -1, bottom: -1 }));
  for (let p = 0, y = 0; p < map.length; y++) {
    for (let x = 0; x < width; x++, p++) {
      const one = found[map[p]!]!;
      if (one.top < 0) one.top = y;
      one.bottom = y;
      if (x < one.left) one.left = x;
      if (x > one.right) one.right = x;
    }
  }
  return found.slice(1).map(one => (one.top < 0 ? undefined : one));
}
