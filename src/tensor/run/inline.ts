import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { InputError } from '../../errors.js';
import { runError, startError } from './failures.js';
import { dtypeOf, type Host, type Program, type Values } from './host.js';

/**
 * Runs graphs in this thread with ONNX Runtime. Starting a session and running it hold the event loop all the while.
 *
 * @throws InputError when `onnxruntime-node` does not load on this machine, or lacks an operator for some type; from a
 * run, when it fails for what it was given.
 */
export const inlineHost: Host = async program => {
  const runtime = await loadRuntime();
  const session = await runtime.InferenceSession.create(program.model, sessionOptions(program)).catch(error => {
    throw startError(error);
  });
  return {
    async run(inputs) {
      const feeds: Record<string, Tensor> = {};
      for (const [name, { data, shape, dtype }] of Object.entries(inputs)) {
        feeds[name] = new runtime.Tensor(dtype ?? dtypeOf(data), data, [...shape]);
      }
      const results = await session.run(feeds).catch(error => {
        throw runError(error);
      });
      const outputs: Record<string, Values> = {};
      for (const [name, { data, dims, type }] of Object.entries(results)) {
        outputs[name] = { data: data as Values['data'], shape: dims, dtype: type as 'float32' };
      }
      return outputs;
    },
    release: () => session.release(),
  };
};

function sessionOptions({ folder, threads }: Program): InferenceSession.SessionOptions {
  return {
    // Errors are thrown, and need not be printed besides.
    logSeverityLevel: 4,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    ...(folder !== undefined && { extra: { session: { model_external_initializers_file_folder_path: folder } } }),
  };
}

async function loadRuntime(): Promise<typeof import('onnxruntime-node')> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    const reason = String(error instanceof Error ? error.message : error).split('\n', 1)[0];
    throw new InputError(
      `compile: onnxruntime-node does not load (${reason}); install it beside clipscope, or run eagerly`,
    );
  }
}
