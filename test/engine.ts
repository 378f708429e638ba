/** The engine the suite runs on: CLIPSCOPE_ENGINE, or wasm. Numbers are held to the same tolerances on each. */
import { parseEngine, startEngine } from '../src/tensor/engine.js';
import { memory } from '../src/tensor/tfjs.js';

export const engineUnderTest = parseEngine(process.env.CLIPSCOPE_ENGINE ?? 'wasm');

/** For `before`: starts the engine under test. */
export async function useEngine(): Promise<void> {
  await startEngine(engineUnderTest);
}

/** Runs `f` and throws when it leaves a tensor behind. */
export async function withoutLeak<T>(f: () => T | Promise<T>): Promise<T> {
  const before = memory().numTensors;
  const result = await f();
  const left = memory().numTensors - before;
  if (left !== 0) throw new Error(`${left} tensors left behind`);
  return result;
}
