/** What computes in the lab, with the factor on the attention as an input: turning it makes no new graph. */
import { compile, type Values } from '../../../tensor/compile.js';
import { openRunner, type Runner, type RunnerOptions } from '../../../tensor/runner.js';
import { type Scalar, scalar } from '../../../tensor/tfjs.js';

/** A runner, and the factor alpha of `residual + alpha x attention` that the functions it prepares are given. */
export interface Dial {
  readonly runner: Runner;
  /** What stands for the factor in a variant: read it each time a variant is made or run. */
  readonly factor: () => Scalar | number;
  /** Sets the factor of all later calls. */
  turn(alpha: number): void;
}

/** A dial for graphs: the factor is an input that every call brings along. An engine must have been started. */
export function graphDial(options: RunnerOptions = {}): Dial {
  const factor = scalar(1);
  let alpha = 1;
  const prepared = new Set<{ dispose(): Promise<void> }>();
  const runner: Runner = {
    name: 'ort',
    async prepare(fn, signature) {
      const compiled = await compile(fn, signature, { ...options, lift: [factor] });
      prepared.add(compiled);
      const call = (...inputs: readonly Values[]) => compiled(...inputs, { data: Float32Array.of(alpha), shape: [] });
      const dispose = () => {
        prepared.delete(compiled);
        return compiled.dispose();
      };
      return Object.assign(call, { dispose }) as typeof compiled;
    },
    async dispose() {
      await Promise.all([...prepared].map(one => one.dispose()));
      prepared.clear();
      if (!factor.isDisposed) factor.dispose();
    },
  };
  return {
    runner,
    factor: () => factor,
    turn(value) {
      alpha = value;
    },
  };
}

/** The same for an engine that does each operation as it comes: the factor is a number. */
export async function eagerDial(name: 'cpu' | 'wasm'): Promise<Dial> {
  let alpha = 1;
  return {
    runner: await openRunner(name),
    factor: () => alpha,
    turn(value) {
      alpha = value;
    },
  };
}
