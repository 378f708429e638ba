/** A segmentation as pictures. */
import { type LegendEntry, withLegend } from '../image/drawing/legend.js';
import { labelPicture, type OverlayOptions, overlaySteps as paintSteps } from '../image/drawing/overlay.js';
import { classColours } from '../image/drawing/palette.js';
import type { Picture } from '../image/picture.js';
import { atOnce, type Steps } from '../turns.js';
import type { Segmentation } from './segmenter.js';

/** A class named after a colour is drawn in it, since anything else would confuse. */
const ownColours: Readonly<Record<string, readonly [number, number, number]>> = {
  red: [214, 48, 49],
  green: [46, 160, 67],
  blue: [52, 89, 215],
  yellow: [240, 205, 50],
  purple: [140, 60, 170],
  orange: [240, 140, 40],
  pink: [245, 140, 190],
  white: [245, 245, 245],
  black: [20, 20, 20],
  brown: [130, 85, 50],
};

/** Colours for classes of these names, red, green, blue of each; the one called `background` is grey. */
export function coloursOf(classes: readonly string[]): Uint8Array {
  const names = classes.map(name => name.toLowerCase());
  const background = names.indexOf('background');
  const colours = classColours(names.length, background < 0 ? undefined : background);
  names.forEach((name, i) => {
    if (Object.hasOwn(ownColours, name)) colours.set(ownColours[name]!, 3 * i);
  });
  return colours;
}

const segmentationColours = ({ classes }: Pick<Segmentation, 'classes'>): Uint8Array =>
  coloursOf(classes.map(({ name }) => name));

/** The picture with its classes painted over it: same size, RGB. */
export const overlay = (...given: Parameters<typeof overlaySteps>): Picture => atOnce(overlaySteps(...given));

/** `overlay` in steps. */
export function overlaySteps(
  picture: Picture,
  segmentation: Segmentation,
  options: OverlayOptions = {},
): Steps<Picture> {
  return paintSteps(picture, segmentation.labels, { palette: segmentationColours(segmentation), ...options });
}

/** Class indices as a palette picture. @throws InputError for more than 256 classes. */
export function labelsOf(segmentation: Segmentation): Picture {
  const { labels, width, height } = segmentation;
  return labelPicture(labels, width, height, segmentationColours(segmentation));
}

/** A picture with a legend of the classes that were found, largest first. */
export function legendFor(picture: Picture, segmentation: Segmentation): Picture {
  const colours = segmentationColours(segmentation);
  const entries: LegendEntry[] = segmentation.classes
    .map(({ name, share }, i) => ({
      name,
      share,
      colour: [colours[3 * i]!, colours[3 * i + 1]!, colours[3 * i + 2]!] as const,
    }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
  return withLegend(picture, entries);
}
