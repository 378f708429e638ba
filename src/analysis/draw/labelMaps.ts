/** Label maps of several images side by side. */
import { ignoredLabel } from '../../evaluate/confusion.js';
import { gridPicture, type Panel } from '../../image/drawing/grid.js';
import { type LegendEntry, withLegend } from '../../image/drawing/legend.js';
import { type Labels, overlay } from '../../image/drawing/overlay.js';
import { type Picture, toRgb } from '../../image/picture.js';
import { resize } from '../../image/resize.js';
import { coloursOf } from '../../segment/draw.js';

/** An image and ways to label it. */
export interface LabelledPicture {
  readonly id: string;
  readonly picture: Picture;
  readonly maps: readonly { readonly title: string; readonly labels: Labels }[];
}

/** Longest side of a panel, about. */
const panelSide = 256;

/** A row an image: itself, then each of its label maps over it; one legend of all classes that are there. */
export function drawParts(images: readonly LabelledPicture[], classes: readonly string[]): Picture {
  const palette = coloursOf(classes);
  const panels = images.flatMap(({ id, picture, maps }): Panel[] => [
    { title: id, picture: fitted(picture) },
    ...maps.map(({ title, labels }) => ({
      title,
      picture: fitted(overlay(picture, labels, { palette, ignore: ignoredLabel })),
    })),
  ]);
  const present = new Set<number>();
  for (const { maps } of images) for (const { labels } of maps) for (const label of labels) present.add(label);
  const entries = classes.flatMap((name, c): LegendEntry[] =>
    present.has(c) ? [{ name, colour: [palette[3 * c]!, palette[3 * c + 1]!, palette[3 * c + 2]!] }] : [],
  );
  return withLegend(gridPicture(panels, images[0]!.maps.length + 1), entries);
}

function fitted(picture: Picture): Picture {
  const factor = panelSide / Math.max(picture.width, picture.height);
  const whole = factor >= 1 ? Math.ceil(factor) : factor;
  const side = (length: number) => Math.max(1, Math.round(length * whole));
  return resize(toRgb(picture), side(picture.width), side(picture.height), factor >= 1 ? 'nearest' : 'bicubic');
}
