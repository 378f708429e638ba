/**
 * The page's part of the sandbox: a hidden frame of no origin, in which the worker is. Browsers that keep such frames in
 * processes of their own lose no more than that process when code takes all memory.
 */
import { runtimePath, sandboxPath } from '../../offer.js';
import type { FrameStart, Granted, Wish } from './messages.js';
import scriptPath from './sandboxWorker.js?worker&url';

const programPath = `${runtimePath}ort-wasm-simd-threaded.wasm`;

/** Starts and ends frames as the other side of the port wishes. */
export function hostSandbox(control: MessagePort): void {
  let frame: HTMLIFrameElement | undefined;
  const grant = (granted: Granted, ports: MessagePort[] = []) => control.postMessage(granted, ports);
  control.onmessage = ({ data }: { data: Wish }) => {
    frame?.remove();
    frame = undefined;
    if (data === 'stop') return;
    const made = newFrame();
    frame = made;
    const { port1, port2 } = new MessageChannel();
    startedFrame(made, port1).then(
      () => grant({ started: true }, [port2]),
      error => grant({ broken: (error as Error).message }),
    );
  };
}

/** Lets a worker of this page open a sandbox; to be called before anything else is sent to it. */
export function lendSandbox(worker: Worker): void {
  const { port1, port2 } = new MessageChannel();
  hostSandbox(port1);
  worker.postMessage({ sandboxControl: port2 }, [port2]);
}

function newFrame(): HTMLIFrameElement {
  const frame = document.createElement('iframe');
  frame.sandbox.add('allow-scripts');
  frame.src = sandboxPath;
  frame.title = 'Where your code runs';
  frame.hidden = true;
  return frame;
}

let files: Promise<FrameStart> | undefined;

async function startedFrame(frame: HTMLIFrameElement, port: MessagePort): Promise<void> {
  const loaded = new Promise(resolve => frame.addEventListener('load', resolve, { once: true }));
  document.body.append(frame);
  files ??= fetchedFiles().catch(error => {
    files = undefined;
    throw error;
  });
  const [start] = await Promise.all([files, loaded]);
  // It has no origin to name, and holds nothing but our own script.
  frame.contentWindow?.postMessage(start, '*', [port]);
}

async function fetchedFiles(): Promise<FrameStart> {
  const [script, runtime] = await Promise.all([
    fetched(scriptPath).then(response => response.text()),
    fetched(programPath).then(response => response.arrayBuffer()),
  ]);
  return { script, runtime };
}

async function fetched(path: string): Promise<Response> {
  const response = await fetch(path);
  if (response.ok) return response;
  throw new Error(`${path}: the server answers ${response.status}`);
}
