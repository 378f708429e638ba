/** The thread that `thread.ts` starts. */
import { parentPort } from 'node:worker_threads';
import { serve } from './serve.js';

const port = parentPort!;
port.on(
  'message',
  serve((reply, transfer) => port.postMessage(reply, transfer)),
);
