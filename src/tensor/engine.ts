/** Choosing and starting what computes: WebAssembly, plain JavaScript, or TensorFlow's native library where present. */
import { createRequire } from 'node:module';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { InputError, suggestion } from '../errors.js';

/** `wasm` is the default; `node` and `node-gpu` need `@tensorflow/tfjs-node` or `-gpu` beside clipscope. */
export const engineNames = ['wasm', 'cpu', 'node', 'node-gpu'] as const;
export type EngineName = (typeof engineNames)[number];

export interface EngineReport {
  readonly engine: EngineName;
  /** TensorFlow.js' own name of the backend. */
  readonly backend: string;
  readonly version: string;
  /** Threads the engine computes with; undefined when it does not tell. */
  readonly threads?: number;
}

export interface EngineOptions {
  /** Threads to ask for. `wasm` in Node and `cpu` have one; `node` takes it only before its first start. */
  threads?: number;
}

/** The engine of that name. @throws InputError naming the nearest when there is none. */
export function parseEngine(name: string): EngineName {
  const found = engineNames.find(known => known === name);
  if (found) return found;
  throw new InputError(`unknown engine '${name}'${suggestion(name, engineNames)}`);
}

/**
 * Starts an engine and makes it the one every later operation runs on. Safe to call again.
 *
 * @throws InputError when the engine is unknown, or needs a package that is not installed or does not load.
 */
export async function startEngine(name: EngineName = 'wasm', options: EngineOptions = {}): Promise<EngineReport> {
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0)) {
    throw new InputError(`threads: expected a positive whole number, got ${threads}`);
  }
  const backend = await start[parseEngine(name)](threads);
  if (!(await tf.setBackend(backend))) throw new Error(`startEngine: TensorFlow.js cannot start '${backend}' here`);
  const report = { engine: name, backend, version: tf.version_core };
  if (name === 'node' || name === 'node-gpu') return threads === undefined ? report : { ...report, threads };
  return { ...report, threads: 1 };
}

/** Starts the default engine when none has been started. */
export async function ensureEngine(): Promise<void> {
  if (!tf.getBackend()) await startEngine();
}

const start: Record<EngineName, (threads?: number) => Promise<string>> = {
  async wasm() {
    await import('@tensorflow/tfjs-backend-wasm');
    return 'wasm';
  },
  async cpu() {
    await import('@tensorflow/tfjs-backend-cpu');
    // The backend advertises tfjs-node on its first use; a library's user did not ask for advice on stderr.
    (tf.findBackend('cpu') as unknown as { firstUse: boolean }).firstUse = false;
    return 'cpu';
  },
  node: threads => native('@tensorflow/tfjs-node', threads),
  'node-gpu': threads => native('@tensorflow/tfjs-node-gpu', threads),
};

async function native(packageName: string, threads?: number): Promise<string> {
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
  return 'tensorflow';
}
