/** How each engine starts in Node; a browser has `engines.browser.ts` in its place. */
import { createRequire } from 'node:module';
import util from 'node:util';
import { InputError } from '../errors.js';
import type { EngineName } from './engineNames.js';
import { findBackend } from './internals.js';

/** What an engine may be told. */
export interface EngineOptions {
  /** Threads to ask for. `wasm` in Node and `cpu` have one; `node` and `wasm` in a page take it before their first start. */
  readonly threads?: number;
  /**
   * In a page only: the folder of the site that has the `.wasm` files of `@tensorflow/tfjs-backend-wasm`, such as
   * `/tfjs/`; default: beside the page's script.
   */
  readonly wasmPaths?: string;
}

/** An engine that can be made the active one. */
export interface StartedEngine {
  /** TensorFlow.js' own name of it. */
  readonly backend: string;
  /** Threads that it computes with, when it tells; it may do so only once it is active. */
  readonly threads: () => number | undefined;
  /** What its user can do when it does not become active. */
  readonly mend?: string;
}

export const engines: Partial<Record<EngineName, (options: EngineOptions) => Promise<StartedEngine>>> = {
  async wasm() {
    await import('./tfjsWasm.cjs');
    return { backend: 'wasm', threads: () => 1 };
  },
  async cpu() {
    await import('./tfjsCpu.cjs');
    // The backend advertises tfjs-node on its first use; a library's user did not ask for advice on stderr.
    (findBackend('cpu') as unknown as { firstUse: boolean }).firstUse = false;
    return { backend: 'cpu', threads: () => 1 };
  },
  node: ({ threads }) => native('@tensorflow/tfjs-node', threads),
  'node-gpu': ({ threads }) => native('@tensorflow/tfjs-node-gpu', threads),
};

async function native(packageName: string, threads?: number): Promise<StartedEngine> {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  if (threads !== undefined) process.env.TF_NUM_INTRAOP_THREADS = process.env.OMP_NUM_THREADS = String(threads);
  // tfjs-node 4.22 calls helpers that Node 23 took out of `util`.
  const legacy = util as unknown as Record<string, unknown>;
  legacy.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  legacy.isArray ??= Array.isArray;
  try {
    createRequire(import.meta.url)(packageName);
  } catch (error) {
    const reason = String(error instanceof Error ? error.message : error).split('\n', 1)[0];
    throw new InputError(
      `engine '${packageName.endsWith('gpu') ? 'node-gpu' : 'node'}': ${packageName} does not load (${reason}); ` +
        "run 'npm run native:setup' or use --engine wasm",
    );
  }
  return { backend: 'tensorflow', threads: () => threads };
}
