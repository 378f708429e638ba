/** From the user's JavaScript to an attention, and from that to a graph. */
import type { Attention, Grid } from '../../../attention/attention.js';
import { InputError } from '../../../errors.js';
import { type Compiled, compile } from '../../../tensor/compile.js';
import type { Heads, Pattern, Tensor, Tokens } from '../../../tensor/tfjs.js';
import * as library from './library.js';

/** What messages and stacks call the user's JavaScript. */
export const sourceName = 'attention.js';

/** Runs a CommonJS module that imports nothing but the library. @throws what the code throws */
export function attentionOf(js: string): Attention {
  const exports: { default?: unknown } = {};
  // biome-ignore lint/security/noGlobalEval: the user's code; the worker that this runs in is there for nothing else
  const define = globalThis.eval(`(function (require, exports) {${js}\n})\n//# sourceURL=${sourceName}`);
  define(requireLibrary, exports);
  if (typeof exports.default === 'function') return exports.default as Attention;
  throw new InputError(`expected 'export default' with a function of q, k and v, got ${typeof exports.default}`);
}

function requireLibrary(name: unknown): typeof library {
  if (name === 'clipscope' || name === 'clipscope/browser') return library;
  throw new InputError(`expected imports from 'clipscope' alone, got '${String(name).slice(0, 80)}'`);
}

/** An attention as a graph for values of certain shapes. */
export type CompiledAttention = Compiled<{ z: Tensor; pattern?: Tensor }>;

/**
 * @param heads `[b, h, n, d]`
 * @throws InputError when the attention cannot be recorded, or gives back something else than mixed values
 */
export function compileAttention(
  attention: Attention,
  heads: readonly number[],
  { scale, grid }: { readonly scale: number; readonly grid: Grid },
): Promise<CompiledAttention> {
  const [b = 0, h = 0, n = 0, d = 0] = heads;
  const record = (q: Tensor, k: Tensor, v: Tensor, input: Tensor) => {
    let pattern: Tensor | undefined;
    const point = <T extends Tensor>(name: string, value: T): T => {
      if (name === 'pattern') pattern = expectTensor("point('pattern', …)", value, [b, h, n, n]);
      return value;
    };
    const given = { q: q as Heads, k: k as Heads, v: v as Heads, input: input as Tokens };
    const mixed = attention({ ...given, scale, grid, point: point as (name: string, value: Heads | Pattern) => never });
    const z = expectTensor('the attention', mixed, [b, h, n, d]);
    return pattern ? { z, pattern } : { z };
  };
  const ofHeads = { shape: [b, h, n, d] };
  return compile(record as never, [ofHeads, ofHeads, ofHeads, { shape: [b, n, h * d] }], { threads: 1 });
}

function expectTensor(what: string, value: unknown, shape: readonly number[]): Tensor {
  const got = (value as Partial<Tensor> | undefined)?.shape;
  if (Array.isArray(got) && String(got) === String(shape)) return value as Tensor;
  const found = Array.isArray(got) ? `[${got.join(', ')}]` : value instanceof Promise ? 'a promise' : typeof value;
  throw new InputError(`${what}: expected a tensor [${shape.join(', ')}], got ${found}`);
}
