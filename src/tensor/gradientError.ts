import { InputError } from '../errors.js';

/** An error as it is, or in words of one's own where TensorFlow.js knows no gradient of an operation. */
export function gradientError(error: unknown): unknown {
  const [, operation] = /gradient function not found for (\w+)/.exec(String(error)) ?? [];
  if (!operation) return error;
  const mend = 'call enableGradients first; docs/ops.md says which operations have one';
  return new InputError(`no gradient of '${operation}' is known; ${mend}`, { cause: error });
}
