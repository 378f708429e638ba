/** Which regions of a picture a step looks at (CLIPSelf, Wu et al., ICLR 2024, arXiv 2310.01403, section 3.2). */
import { type Box, enlarged, gridCells, gridChoices, inPixels, inSquare, isRegionSized } from '../../regions/boxes.js';
import { nextBelow, type RandomState } from '../../scenes/random.js';

export interface RegionChoice {
  /** Side of the student's square in pixels. */
  readonly size: number;
  /** Cells that the picture is cut into, or boxes that are known of it. */
  readonly regions: 'grid' | 'boxes';
  /** Most rows and columns of a grid. */
  readonly maxSplit: number;
  /** Most regions of a picture. */
  readonly maxRegions: number;
  /** Sides of the teacher's crop to those of the region. */
  readonly cropScale: number;
}

/** A region as each side sees it. */
export interface Region {
  /** In shares of the student's square, whose side is the picture's longest. */
  readonly student: Box;
  /** What the teacher is given, in pixels of the picture. */
  readonly crop: Box;
}

interface Extent {
  readonly width: number;
  readonly height: number;
}

/**
 * Chooses regions: one at least.
 *
 * `grid`: the cells of one of `gridChoices`, some of them where they are more than `maxRegions`. `boxes`: `maxRegions` of
 * those known, of which those go that have too few or too many pixels inside the picture; where none is left, the
 * corner of a quarter of each side.
 * @param boxes known of the picture, in its pixels
 */
export function chooseRegions(
  choice: RegionChoice,
  picture: Extent,
  boxes: readonly Box[],
  random: RandomState,
): Region[] {
  const taken = choice.regions === 'grid' ? cells(choice, picture, random) : known(choice, picture, boxes, random);
  if (taken.length > 0) return taken.map(box => region(box, picture, choice, choice.cropScale));
  const { width, height } = picture;
  return [region({ left: 0, top: 0, right: width / 4, bottom: height / 4 }, picture, choice, 1)];
}

function cells({ maxSplit, maxRegions }: RegionChoice, { width, height }: Extent, random: RandomState): Box[] {
  const choices = gridChoices(maxSplit);
  const [rows, columns] = choices[nextBelow(random, choices.length)]!;
  return some(gridCells(rows, columns), maxRegions, random).map(cell => inPixels(cell, width, height));
}

function known({ maxRegions }: RegionChoice, picture: Extent, boxes: readonly Box[], random: RandomState): Box[] {
  // The published order: a number of boxes first, then those of them that will do.
  return some(boxes, maxRegions, random)
    .map(box => inside(box, picture))
    .filter(isRegionSized);
}

const inside = ({ left, top, right, bottom }: Box, { width, height }: Extent): Box => ({
  left: Math.max(left, 0),
  top: Math.max(top, 0),
  right: Math.min(right, width),
  bottom: Math.min(bottom, height),
});

const region = (box: Box, { width, height }: Extent, { size }: RegionChoice, cropScale: number): Region => ({
  student: inSquare(box, width, height, size),
  crop: cropScale === 1 ? box : enlarged(box, cropScale, width, height),
});

/** At most so many of a list, in random order. */
export function some<T>(list: readonly T[], most: number, random: RandomState): T[] {
  const deck = [...list];
  const count = Math.min(most, deck.length);
  for (let i = 0; i < count; i++) {
    const j = i + nextBelow(random, deck.length - i);
    [deck[i], deck[j]] = [deck[j]!, deck[i]!];
  }
  return deck.slice(0, count);
}
