/** A worker in a frame, as whoever wants code run has it: in the page, or in a worker that the page lent a sandbox. */
import { hostSandbox } from './host.js';
import { type LimitedWorker, limitedWorker, ofPort } from './limitedWorker.js';
import type { Granted, Question, Reply, Wish } from './messages.js';

export interface Connection extends LimitedWorker<Question, Reply> {
  /** Rejects when the worker cannot start. */
  readonly ready: Promise<void>;
}

/** Starting fetches files from this computer and compiles one of them. */
const startSeconds = 60;

/** Until a page has lent a sandbox to a worker that it started. */
const lendSeconds = 10;

/** The way to the page, where this is a worker. */
let lent: Promise<MessagePort> | undefined;
if (typeof document === 'undefined') {
  lent = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the page has lent this worker none')), lendSeconds * 1000);
    // Before the worker's own listeners, which need not know of it.
    const listen = (event: MessageEvent<{ sandboxControl?: MessagePort } | undefined>) => {
      const control = event.data?.sandboxControl;
      if (!control) return;
      event.stopImmediatePropagation();
      self.removeEventListener('message', listen);
      clearTimeout(timer);
      resolve(control);
    };
    self.addEventListener('message', listen);
  });
  // Who opens a sandbox hears of it.
  lent.catch(() => {});
}

/** The port on which frames are wished for. */
export function sandboxControl(): Promise<MessagePort> {
  if (lent) return lent;
  const { port1, port2 } = new MessageChannel();
  hostSandbox(port1);
  return Promise.resolve(port2);
}

/** Starts a worker in a frame, in the place of the one before. */
export function connect(controlling: Promise<MessagePort>): Connection {
  let ended: string | undefined;
  let worker: LimitedWorker<Question, Reply> | undefined;
  const wish = (control: MessagePort, what: Wish) => control.postMessage(what);

  async function start(): Promise<void> {
    const control = await controlling;
    const port = await new Promise<MessagePort>((resolve, reject) => {
      control.onmessage = ({ data, ports: [made] }: MessageEvent<Granted>) => {
        if ('started' in data && made) resolve(made);
        else reject(new Error('broken' in data ? data.broken : 'no port came'));
      };
      if (ended === undefined) wish(control, 'start');
      else reject(new Error(ended));
    });
    worker = limitedWorker<Question, Reply>(ofPort(port, () => wish(control, 'stop')));
    if (ended !== undefined) worker.end(ended);
    const reply = await worker.ask('ready', startSeconds);
    if ('broken' in reply) throw new Error(reply.broken);
  }

  const ready = start().catch(error => {
    throw new Error(`the sandbox does not start: ${(error as Error).message}`);
  });
  // Who waits for it hears of it.
  ready.catch(() => {});
  return {
    ready,
    // Only who has waited for `ready` asks.
    ask: (question, seconds) => worker!.ask(question, seconds),
    end(reason) {
      ended ??= reason;
      worker?.end(reason);
    },
  };
}
