/** The thread that `pictures.ts` starts. */
import { parentPort } from 'node:worker_threads';
import { InputError } from '../../errors.js';
import { encodePicture } from '../encode.js';
import type { PictureReply, PictureRequest } from './messages.js';
import { readHere } from './pictures.js';

const port = parentPort!;

port.on('message', async ({ id, job }: PictureRequest) => {
  try {
    const result = 'read' in job ? await readHere(job.read, job) : await encodePicture(job.picture, job.path);
    const { buffer } = result instanceof Uint8Array ? result : result.data;
    port.postMessage({ id, result } satisfies PictureReply, [buffer as ArrayBuffer]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ id, message, isInput: error instanceof InputError } satisfies PictureReply);
  }
});
