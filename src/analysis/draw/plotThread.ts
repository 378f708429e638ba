/** The thread in which `plot.ts` draws. */
import { parentPort, workerData } from 'node:worker_threads';
import { createCanvas } from '../../image/drawing/canvas.js';
import { withView } from '../../image/drawing/vega.js';
import { rgbPicture } from '../../image/picture.js';
import { plotContext } from './context.js';
import type { DrawnPlot } from './plot.js';

const pixelsPerUnit = 2;

const drawn = await withView(workerData, async (view): Promise<DrawnPlot> => {
  const svg = await view.toSVG();
  const [, width, height] = /^<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg)!;
  const side = (length: string | undefined) => Math.ceil(pixelsPerUnit * Number(length));
  const canvas = createCanvas(side(width), side(height), [255, 255, 255]);
  await view.toCanvas(pixelsPerUnit, { externalContext: plotContext(canvas) });
  return { svg, picture: rgbPicture(canvas.width, canvas.height, canvas.data) };
});
parentPort!.postMessage(drawn, [drawn.picture.data.buffer as ArrayBuffer]);
