/** The images where methods differ most, a row each. */
import { ignoredLabel } from '../../evaluate/confusion.js';
import type { Look } from '../../evaluate/evaluator.js';
import type { NotableImage } from '../../evaluate/report/notable.js';
import type { EvaluationTable, Score } from '../../evaluate/table.js';
import { gridPicture, type Panel } from '../../image/drawing/grid.js';
import { type Picture, toRgb } from '../../image/picture.js';
import { resize } from '../../image/resize.js';
import { legendFor, overlay } from '../../segment/draw.js';
import type { Segmentation } from '../../segment/segmenter.js';

/** An image of the grid. */
export interface Row {
  readonly notable: NotableImage;
  readonly look: Look;
}

/** Longest side of a panel, about. */
const panelSide = 256;

/** Each image, its true classes, and what each method says, with its score; one legend for all. */
export function differencesPicture(
  rows: readonly Row[],
  { dataset, methods }: Pick<EvaluationTable, 'dataset' | 'methods'>,
): Picture {
  const panels = rows.flatMap(({ notable, look: { id, picture, labels, segmentations } }): Panel[] => {
    const truth = { ...segmentations[0]!, labels };
    return [
      { title: id, picture: fitted(picture) },
      { title: 'true', picture: fitted(overlay(picture, truth, { ignore: ignoredLabel })) },
      ...segmentations.map((one, m) => ({
        title: `${methods[m]!.name} ${percent(notable.scores[m]!)}`,
        picture: fitted(overlay(picture, one)),
      })),
    ];
  });
  return legendFor(gridPicture(panels, methods.length + 2), together(rows, dataset.classes));
}

const percent = (score: Score): string => (score === null ? '' : (100 * score).toFixed(0));

function fitted(picture: Picture): Picture {
  const factor = panelSide / Math.max(picture.width, picture.height);
  const whole = factor >= 1 ? Math.ceil(factor) : factor;
  const side = (n: number) => Math.max(1, Math.round(n * whole));
  return resize(toRgb(picture), side(picture.width), side(picture.height), factor >= 1 ? 'nearest' : 'bicubic');
}

/** One segmentation whose classes are all that any panel shows, for the legend they share. */
function together(rows: readonly Row[], names: readonly string[]): Segmentation {
  const all = rows.flatMap(({ look }) => look.segmentations);
  const classes = names.map((name, label) => {
    const pixels = all.reduce((sum, one) => sum + one.classes[label]!.pixels, 0);
    const share = all.reduce((sum, one) => sum + one.classes[label]!.share, 0) / all.length;
    return { name, pixels, share };
  });
  return { ...all[0]!, classes };
}
