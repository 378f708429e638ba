import type { Tensor } from 'onnxruntime-node';
import { runError, startError } from './failures.js';
import { dtypeOf, type Host, type Values } from './host.js';
import { asPlain } from './messages.js';
import { inTurn, loadRuntime, sessionOptions } from './runtime.js';

/** Errors are thrown, and need not be printed besides. */
const quiet = { logSeverityLevel: 4 } as const;

/**
 * Runs graphs in this thread with ONNX Runtime. Starting a session and running it hold the event loop all the while.
 *
 * @throws InputError when the runtime does not load here, or lacks an operator for some type; from a run, when it fails
 * for what it was given.
 */
export const inlineHost: Host = async program => {
  const runtime = await loadRuntime(program);
  const options = { ...quiet, ...sessionOptions(program) };
  const session = await inTurn(() => runtime.InferenceSession.create(program.model, options)).catch(error => {
    throw startError(error);
  });
  const links = Object.entries(program.kept ?? {});
  const stays = new Set(Object.values(program.kept ?? {}));
  let kept: Record<string, Tensor> = {};
  return {
    async run(inputs) {
      const feeds = { ...kept };
      for (const [name, { data, shape, dtype }] of Object.entries(inputs)) {
        feeds[name] = new runtime.Tensor(dtype ?? dtypeOf(data), data, [...shape]);
      }
      const results = await inTurn(() => session.run(feeds, quiet)).catch(error => {
        throw runError(error);
      });
      kept = Object.fromEntries(links.map(([input, output]) => [input, results[output] as Tensor]));
      const outputs = Object.entries(results).filter(([name]) => !stays.has(name));
      return Object.fromEntries(outputs.map(([name, tensor]) => [name, valuesOf(tensor as Tensor)]));
    },
    kept: async () =>
      Object.fromEntries(Object.entries(kept).map(([name, tensor]) => [name, asPlain(valuesOf(tensor))])),
    release: () => inTurn(() => session.release()),
  };
};

const valuesOf = ({ data, dims, type }: Tensor): Values => ({
  data: data as Values['data'],
  shape: dims,
  dtype: type as 'float32',
});
