/** In the place of `runtime.ts`: ONNX Runtime as a page or a worker of one has it. */
import type { InferenceSession } from 'onnxruntime-web';
import { InputError } from '../../errors.js';
import type { Program } from './host.js';
import type { Runtime } from './runtime.js';

declare const location: { readonly href: string };
declare const navigator: {
  readonly hardwareConcurrency: number;
  readonly gpu?: { requestAdapter(): Promise<object | null> };
};

/** More gain little, and each costs memory. */
const mostThreads = 4;

/**
 * Loads what runs a program. The runtime is one for all programs of a device: the first says how many threads there
 * are and where its files lie.
 *
 * @throws InputError when the package is not in the bundle, or there is no such device.
 */
export async function loadRuntime({ device, threads, wasmPaths }: Program): Promise<Runtime> {
  if (device === 'webgpu') await checkAdapter();
  const runtime = await imported(device);
  const { env } = runtime;
  if (wasmPaths !== undefined) env.wasm.wasmPaths = new URL(wasmPaths.replace(/\/?$/, '/'), location.href).href;
  // Undefined in older browsers, which have no threads either.
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  env.wasm.numThreads = crossOriginIsolated ? (threads ?? Math.min(navigator.hardwareConcurrency, mostThreads)) : 1;
  return runtime;
}

async function imported(device: Program['device']): Promise<typeof import('onnxruntime-web')> {
  try {
    const runtime = await (device === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm'));
    // Some bundlers put an empty module where an optional package is missing.
    if (runtime.InferenceSession) return runtime;
    throw new Error('it is not in the bundle');
  } catch (error) {
    const reason = String(error instanceof Error ? error.message : error).split('\n', 1)[0];
    throw new InputError(
      `compile: onnxruntime-web does not load (${reason}); install it beside clipscope, or run eagerly`,
    );
  }
}

async function checkAdapter(): Promise<void> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new InputError("compile: device 'webgpu': this browser offers none here; leave it out");
}

/** How this runtime is told of devices and weights. */
export const sessionOptions = ({ device, files }: Program): InferenceSession.SessionOptions => ({
  executionProviders: [device === 'webgpu' ? 'webgpu' : 'wasm'],
  ...(files && { externalData: files }),
});

let last: Promise<unknown> = Promise.resolve();

/**
 * Does one thing after the other: the runtime keeps the weights of the session that it starts in one place, and cannot
 * wait for a graphics processor twice at a time.
 */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = last.then(work);
  last = result.catch(() => {});
  return result;
}
