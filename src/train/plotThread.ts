/** The thread in which `plot.ts` draws. */
import { parentPort, workerData } from 'node:worker_threads';
import { withView } from '../image/drawing/vega.js';

parentPort!.postMessage(await withView(workerData, view => view.toSVG()));
