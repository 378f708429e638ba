/** Named intermediates of a function that is recorded, as further outputs. */
import { InputError, nearest } from '../../errors.js';
import { globSource } from '../glob.js';
import { engine } from '../internals.js';
import type { Tensor } from '../tfjs.js';
import type { RecordingBackend } from './backend.js';
import type { Traced } from './kernels/kernel.js';
import type { Structure } from './structure.js';

/** What a function returns, and intermediates of it by full name. */
export interface Seeing<R> {
  result: R;
  seen: Record<string, Tensor>;
}

/** A function that also returns its intermediates of these names; it can only be recorded. */
export function seeing<R extends Structure>(fn: (...inputs: Tensor[]) => R, see: readonly string[]) {
  return (...inputs: Tensor[]): Seeing<R> => {
    const result = fn(...inputs);
    const recording = engine().backend as RecordingBackend;
    const values = chosen(recording.named, see).map(([name, value]) => [name, recording.tensorOf(value)] as const);
    return { result, seen: Object.fromEntries(values) };
  };
}

function chosen(named: ReadonlyMap<string, readonly Traced[]>, see: readonly string[]): (readonly [string, Traced])[] {
  const patterns = see.map(glob => ({ glob, test: new RegExp(`^(?:(?:image|text)\\.)?${globSource(glob)}$`) }));
  for (const { glob, test } of patterns) {
    if ([...named.keys()].some(name => test.test(name))) continue;
    const close = nearest(glob, named.keys());
    const hint =
      named.size === 0
        ? 'it names none'
        : `nearest: ${(close.length > 0 ? close : [...named.keys()].slice(0, 3)).join(', ')}`;
    throw new InputError(`compile: see: the function makes no intermediate '${glob}'; ${hint}`);
  }
  const wanted = [...named].filter(([name]) => patterns.some(({ test }) => test.test(name)));
  return wanted.map(([name, values]) => {
    if (values.length === 1) return [name, values[0]!];
    throw new InputError(
      `compile: see: the function makes '${name}' ${values.length} times; see those of one run by returning them`,
    );
  });
}
