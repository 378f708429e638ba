/** Label maps of several images side by side. */
import { ignoredLabel } from '../../evaluate/confusion.js';
import { gridPicture, type Panel } from '../../image/drawing/grid.js';
import { type LegendEntry, withLegend } from '../../image/drawing/legend.js';
import { type Labels, overlaySteps } from '../../image/drawing/overlay.js';
import { type Picture, toRgb } from '../../image/picture.js';
import { resizeSteps } from '../../image/resize.js';
import { coloursOf } from '../../segment/draw.js';
import type { Steps } from '../../turns.js';

/** An image and ways to label it. */
export interface LabelledPicture {
  readonly id: string;
  readonly picture: Picture;
  readonly maps: readonly { readonly title: string; readonly labels: Labels }[];
}

/** Longest side of a panel, about. */
const panelSide = 256;

/** A row an image: itself, then each of its label maps over it; one legend of all classes that are there. */
export function* drawParts(images: readonly LabelledPicture[], classes: readonly string[]): Steps<Picture> {
  const palette = coloursOf(classes);
  const panels: Panel[] = [];
  for (const { id, picture, maps } of images) {
    panels.push({ title: id, picture: yield* fitted(picture) });
    for (const { title, labels } of maps) {
      const painted = yield* overlaySteps(picture, labels, { palette, ignore: ignoredLabel });
      panels.push({ title, picture: yield* fitted(painted) });
    }
  }
  const present = new Set<number>();
  for (const { maps } of images) {
    for (const { labels } of maps) {
      for (const label of labels) present.add(label);
      yield;
    }
  }
  const entries = classes.flatMap((name, c): LegendEntry[] =>
    present.has(c) ? [{ name, colour: [palette[3 * c]!, palette[3 * c + 1]!, palette[3 * c + 2]!] }] : [],
  );
  const grid = gridPicture(panels, images[0]!.maps.length + 1);
  yield;
  return withLegend(grid, entries);
}

function* fitted(picture: Picture): Steps<Picture> {
  const factor = panelSide / Math.max(picture.width, picture.height);
  const whole = factor >= 1 ? Math.ceil(factor) : factor;
  const side = (length: number) => Math.max(1, Math.round(length * whole));
  const filter = factor >= 1 ? 'nearest' : 'bicubic';
  return yield* resizeSteps(toRgb(picture), side(picture.width), side(picture.height), filter);
}
