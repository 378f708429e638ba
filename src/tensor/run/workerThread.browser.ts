/** The worker that `thread.browser.ts` starts. */
import type { Reply, Request } from './messages.js';
import { serve } from './serve.js';

declare const self: {
  onmessage: (event: { data: Request }) => void;
  postMessage(reply: Reply, transfer: ArrayBuffer[]): void;
};

const answer = serve((reply, transfer) => self.postMessage(reply, transfer));
self.onmessage = ({ data }) => void answer(data);
