/** Choosing and starting what computes: WebAssembly, plain JavaScript, or what else is there (see `engines.ts`). */
import { InputError, suggestion } from '../errors.js';
import { type EngineName, engineNames } from './engineNames.js';
import { type EngineOptions, engines } from './engines.js';
import { setBackend } from './internals.js';
import { getBackend } from './tfjs.js';
import core from './tfjsCore.cjs';
import { checkThreads } from './threads.js';

export type { EngineOptions } from './engines.js';

export interface EngineReport {
  readonly engine: EngineName;
  /** TensorFlow.js' own name of the backend. */
  readonly backend: string;
  readonly version: string;
  /** Threads the engine computes with; undefined when it does not tell. */
  readonly threads?: number;
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
  if (threads !== undefined) checkThreads('threads', threads);
  const known = parseEngine(name);
  const started = await engines[known]!(options);
  if (!(await setBackend(started.backend))) {
    const message = `engine '${known}': TensorFlow.js cannot start it here`;
    throw started.mend ? new InputError(`${message}; ${started.mend}`) : new Error(message);
  }
  const report = { engine: known, backend: started.backend, version: core.version_core };
  const has = started.threads();
  return has === undefined ? report : { ...report, threads: has };
}

/** Starts the default engine when none has been started. */
export async function ensureEngine(): Promise<void> {
  if (!getBackend()) await startEngine();
}
