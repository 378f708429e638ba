/** In the place of `thread.ts`: a worker of a page. */
import { InputError } from '../../errors.js';
import type { Reply } from './messages.js';
import type { Listener, Thread } from './thread.js';

// What is used of the browser's own types.
declare class Worker {
  constructor(address: URL, options: { type: 'module' });
  onmessage: (event: { data: Reply }) => void;
  onerror: (event: { message?: string; preventDefault(): void }) => void;
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  terminate(): void;
}

/** Starts the worker that answers requests, see `workerThread.browser.ts`. */
export function startThread(on: Listener): Thread {
  // In this form bundlers recognise the script of a worker.
  const worker = new Worker(new URL('./workerThread.browser.js', import.meta.url), { type: 'module' });
  let works = false;
  worker.onmessage = ({ data }) => {
    works = true;
    on.message(data);
  };
  worker.onerror = event => {
    event.preventDefault();
    const reason = event.message ?? 'no reason given';
    const mend =
      "bundle 'clipscope/browser/worker' as workerThread.browser.js beside the page's script, or leave out host";
    on.ended(
      works
        ? new Error(`compiled function: its worker broke down: ${reason}`)
        : new InputError(`compile: the worker's script does not load (${reason}); ${mend}`),
    );
  };
  return {
    post: (request, transfer) => worker.postMessage(request, transfer),
    hold: () => {},
    async end() {
      worker.terminate();
      on.ended(new Error('compiled function: its worker has ended'));
    },
  };
}
