/** An image and its labels, small enough to be put into a page. */
import { InputError } from '../../errors.js';
import { type Labels, labelPicture } from '../../image/drawing/overlay.js';
import { type Picture, toRgb } from '../../image/picture.js';
import { encodePng } from '../../image/png/encode.js';
import { resize } from '../../image/resize.js';
import { coloursOf } from '../../segment/draw.js';
import { ignoredLabel } from '../confusion.js';
import type { NotableImage } from './notable.js';

/** Longest side of a picture in a page. */
const longestSide = 320;

/** Classes that a picture's legend names. */
const legendEntries = 12;

/** A notable image with what there is to see, as `data:` addresses of PNGs of one size. */
export interface ReportImage extends NotableImage {
  readonly width: number;
  readonly height: number;
  readonly photo: string;
  /** Colours of the true classes, what is ignored transparent. */
  readonly truth: string;
  /** Colours of the predicted classes, by method. */
  readonly predictions: readonly string[];
  /** Classes in it, those with most pixels first, with their colours. */
  readonly legend: readonly { readonly label: number; readonly colour: string }[];
}

/**
 * Makes a notable image's pictures, at most 320 pixels a side.
 * @param picture as it was segmented, upright
 * @param predictions each method's labels
 * @throws InputError when labels are not of the picture's size, or no class of the list
 */
export async function reportImage(
  notable: NotableImage,
  picture: Picture,
  truth: Labels,
  predictions: readonly Labels[],
  classes: readonly string[],
): Promise<ReportImage> {
  const factor = Math.min(1, longestSide / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * factor));
  const height = Math.max(1, Math.round(picture.height * factor));
  const maps = [truth, ...predictions].map(labels => {
    if (labels.length !== picture.width * picture.height) {
      const size = `${picture.height} x ${picture.width}`;
      throw new InputError(`report: image ${notable.id}: expected labels of ${size} pixels, got ${labels.length}`);
    }
    return resize(labelMapPicture(notable.id, labels, picture, classes), width, height, 'nearest');
  });
  const photo = await dataUri(resize(toRgb(picture), width, height, 'bicubic'));
  const [truthMap, ...predicted] = await Promise.all(maps.map(dataUri));
  return {
    ...notable,
    width,
    height,
    photo,
    truth: truthMap!,
    predictions: predicted,
    legend: legendOf(maps),
  };
}

const dataUri = async (picture: Picture): Promise<string> =>
  `data:image/png;base64,${Buffer.from(await encodePng(picture)).toString('base64')}`;

/** The labels as a palette picture that shows nothing where they are ignored. */
function labelMapPicture(id: string, labels: Labels, { width, height }: Picture, classes: readonly string[]): Picture {
  const rgb = new Uint8Array(3 * (ignoredLabel + 1));
  rgb.set(coloursOf(classes).subarray(0, 3 * ignoredLabel));
  for (const label of labels) {
    if (label < classes.length || label === ignoredLabel) continue;
    throw new InputError(`report: image ${id}: expected classes from 0 to ${classes.length - 1}, got ${label}`);
  }
  const alpha = new Uint8Array(ignoredLabel + 1).fill(255, 0, ignoredLabel);
  return { ...labelPicture(labels, width, height, rgb), palette: { rgb, alpha } };
}

function legendOf(maps: readonly Picture[]): ReportImage['legend'] {
  const counts = new Float64Array(ignoredLabel);
  for (const { data } of maps) for (const label of data) if (label !== ignoredLabel) counts[label]!++;
  const { rgb } = maps[0]!.palette!;
  const hex = (value: number) => value.toString(16).padStart(2, '0');
  return [...counts.keys()]
    .filter(label => counts[label]! > 0)
    .sort((a, b) => counts[b]! - counts[a]!)
    .slice(0, legendEntries)
    .map(label => ({ label, colour: `#${[...rgb.subarray(3 * label, 3 * label + 3)].map(hex).join('')}` }));
}
