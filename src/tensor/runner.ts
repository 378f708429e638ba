/**
 * What computes functions of tensors, behind one call: an engine of TensorFlow.js, which does each operation when the
 * function comes to it, or ONNX Runtime, for which the function is compiled first.
 */
import { InputError, suggestion } from '../errors.js';
import { type Compiled, type CompileOptions, compile, type TensorsOf } from './compile.js';
import { ensureEngine, startEngine } from './engine.js';
import { setBackend, TensorClass } from './internals.js';
import { type RunnerName, runnerNames } from './names.js';
import type { Values } from './run/host.js';
import { clone, dispose, getBackend, type Tensor, tidy } from './tfjs.js';
import { checkFunction, checkSignature, type InputSpec, sizesOf } from './trace/signature.js';
import { leavesOf, restructure, type Structure } from './trace/structure.js';
import { described, toTensor, toValues } from './values.js';

/** Computes functions of tensors. */
export interface Runner {
  readonly name: RunnerName | 'engine';
  /**
   * Makes a function ready to be called with tensors or plain values. What holds for functions that are compiled (see
   * `compile`) holds for all, so that each runner can take the place of any other.
   */
  prepare<const S extends readonly InputSpec[], R extends Structure>(
    fn: (...inputs: TensorsOf<S>) => R,
    signature: S,
  ): Promise<Compiled<R>>;
  /** Frees all that it prepared. */
  dispose(): Promise<void>;
}

export type RunnerOptions = Omit<CompileOptions, 'lift'>;

/** Runs functions on the engine that is active when they are called; starts the default one when there is none. */
export const engineRunner: Runner = {
  name: 'engine',
  async prepare(fn, signature) {
    await ensureEngine();
    return eager(fn, signature);
  },
  dispose: async () => {},
};

/**
 * A runner by name: for `ort` with the options of `compile`; for an engine, which is started, `threads` and, of
 * the engine's own files, `wasmPaths`.
 *
 * @throws InputError when the name is unknown, what it needs is not installed, or an engine is asked to quantise.
 */
export async function openRunner(name: RunnerName, options: RunnerOptions = {}): Promise<Runner> {
  const known = parseRunner(name);
  if (known === 'ort') return graphRunner(options);
  const { quantize, threads, wasmPaths } = options;
  if (quantize !== undefined) throw new InputError(`engine '${known}': it cannot quantise; use engine ort`);
  const asked = { ...(threads !== undefined && { threads }), ...(wasmPaths && { wasmPaths }) };
  const { backend } = await startEngine(known, asked);
  return { ...engineRunner, name: known, prepare: async (fn, signature) => eager(fn, signature, backend) };
}

function graphRunner(options: RunnerOptions): Runner {
  const prepared = new Set<{ dispose(): Promise<void> }>();
  return {
    name: 'ort',
    async prepare(fn, signature) {
      const compiled = await compile(fn, signature, options);
      prepared.add(compiled);
      return compiled;
    },
    async dispose() {
      await Promise.all([...prepared].map(one => one.dispose()));
      prepared.clear();
    },
  };
}

/** The runner of that name. @throws InputError naming the nearest when there is none. */
export function parseRunner(name: string): RunnerName {
  const found = runnerNames.find(known => known === name);
  if (found) return found;
  throw new InputError(`unknown engine '${name}'${suggestion(name, runnerNames)}`);
}

/** A function as if it were compiled, on a backend or the active one. */
function eager<const S extends readonly InputSpec[], R extends Structure>(
  fn: (...inputs: TensorsOf<S>) => R,
  signature: S,
  backend?: string,
): Compiled<R> {
  checkFunction(fn);
  checkSignature(signature);
  let disposed = false;
  const call = async (...given: (Tensor | Values)[]): Promise<unknown> => {
    if (disposed) throw new InputError('prepared function: called after dispose');
    sizesOf(signature, given.map(described));
    const isTensor = (one: Tensor | Values): one is Tensor => one instanceof TensorClass;
    const result = on(backend, () =>
      tidy(() => {
        const made = fn(...(given.map(one => (isTensor(one) ? one : toTensor(one))) as TensorsOf<S>));
        // The function may return what it was given, or a weight: what comes out is the caller's to dispose.
        return restructure(
          made,
          leavesOf(made).map(({ tensor }) => clone(tensor)),
        ) as R;
      }),
    );
    if (given.some(isTensor)) return result;
    const leaves = leavesOf(result).map(leaf => leaf.tensor);
    try {
      return restructure(result, await Promise.all(leaves.map(toValues)));
    } finally {
      dispose(leaves);
    }
  };
  const release = async () => {
    disposed = true;
  };
  return Object.assign(call, { dispose: release }) as Compiled<R>;
}

/** Does something on a backend that has been started before; the one that was active is active again afterwards. */
function on<T>(backend: string | undefined, f: () => T): T {
  const before = getBackend();
  if (backend === undefined || backend === before) return f();
  void setBackend(backend);
  try {
    return f();
  } finally {
    void setBackend(before);
  }
}
