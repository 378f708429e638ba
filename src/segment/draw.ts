/** A segmentation as pictures. */
import { type LegendEntry, withLegend } from '../image/legend.js';
import { labelPicture, type OverlayOptions, overlay as paint } from '../image/overlay.js';
import { classColours } from '../image/palette.js';
import type { Picture } from '../image/picture.js';
import type { Segmentation } from './segmenter.js';

/** Colours of the classes; the one called `background` is grey. Red, green, blue of each, one after the other. */
export function segmentationColours({ vocabulary }: Pick<Segmentation, 'vocabulary'>): Uint8Array {
  const background = vocabulary.classes.findIndex(({ name }) => name.toLowerCase() === 'background');
  return classColours(vocabulary.classes.length, background < 0 ? undefined : background);
}

/** The picture with its classes painted over it: same size, RGB. */
export function overlay(picture: Picture, segmentation: Segmentation, options: OverlayOptions = {}): Picture {
  return paint(picture, segmentation.labels, { palette: segmentationColours(segmentation), ...options });
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
