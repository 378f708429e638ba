/** ONNX Runtime as Node has it; a browser has `runtime.browser.ts` in its place. */
import type { InferenceSession } from 'onnxruntime-node';
import { InputError } from '../../errors.js';
import type { Program } from './host.js';

/** What is used of a runtime. */
export type Runtime = Pick<typeof import('onnxruntime-node'), 'InferenceSession' | 'Tensor'>;

/**
 * Loads what runs a program.
 *
 * @throws InputError when the package does not load on this machine, or there is no such device.
 */
export async function loadRuntime({ device }: Program): Promise<Runtime> {
  if (device === 'webgpu') throw new InputError("compile: device 'webgpu' is for pages; leave it out");
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    const reason = String(error instanceof Error ? error.message : error).split('\n', 1)[0];
    throw new InputError(
      `compile: onnxruntime-node does not load (${reason}); install it beside clipscope, or run eagerly`,
    );
  }
}

/** How this runtime is told of threads and weights. */
export function sessionOptions({ folder, threads, pack = true }: Program): InferenceSession.SessionOptions {
  const session = {
    // Threads that wait give the processor to whatever else runs: the event loop, other graphs.
    intra_op: { allow_spinning: '0' },
    ...(folder !== undefined && { model_external_initializers_file_folder_path: folder }),
    ...(!pack && { disable_prepacking: '1' }),
  };
  return { ...(threads !== undefined && { intraOpNumThreads: threads }), extra: { session } };
}

/** Does what must not overlap with anything else that the runtime does; here nothing is of that kind. */
export const inTurn = <T>(work: () => Promise<T>): Promise<T> => work();
