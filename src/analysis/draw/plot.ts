/** Plots as files. */
import type { TopLevelSpec } from 'vega-lite';
import { createCanvas } from '../../image/drawing/canvas.js';
import { withView } from '../../image/drawing/vega.js';
import { type Picture, rgbPicture } from '../../image/picture.js';
import { plotContext } from './context.js';

/** A plot in both forms. */
export interface DrawnPlot {
  readonly svg: string;
  /** Twice as large, as screens want it. */
  readonly picture: Picture;
}

const pixelsPerUnit = 2;

/** Draws a Vega-Lite specification. */
export const drawPlot = (spec: TopLevelSpec): Promise<DrawnPlot> =>
  withView(spec, async view => {
    const svg = await view.toSVG();
    const [, width, height] = /^<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg)!;
    const side = (length: string | undefined) => Math.ceil(pixelsPerUnit * Number(length));
    const canvas = createCanvas(side(width), side(height), [255, 255, 255]);
    await view.toCanvas(pixelsPerUnit, { externalContext: plotContext(canvas) });
    return { svg, picture: rgbPicture(canvas.width, canvas.height, canvas.data) };
  });
