/** Plots as files. */
import type { TopLevelSpec } from 'vega-lite';
import { inThread } from '../../image/apart/inThread.js';
import type { Picture } from '../../image/picture.js';

/** A plot in both forms. */
export interface DrawnPlot {
  readonly svg: string;
  /** Twice as large, as screens want it. */
  readonly picture: Picture;
}

/** Draws a Vega-Lite specification, in a thread of its own. */
export const drawPlot = (spec: TopLevelSpec): Promise<DrawnPlot> =>
  inThread(new URL('./plotThread.js', import.meta.url), spec);
