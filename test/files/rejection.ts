import { expect } from 'chai';
import { InputError } from '../../src/errors.js';

/** The message of the InputError that a promise must be rejected with: one line, or the test fails. */
export async function rejection(promise: Promise<unknown>): Promise<string> {
  const outcome = await promise.then(
    value => ({ value }),
    error => ({ error }),
  );
  if (!('error' in outcome)) throw new Error(`expected an InputError, got ${JSON.stringify(outcome.value)}`);
  if (!(outcome.error instanceof InputError)) throw outcome.error;
  expect(outcome.error.message).to.not.match(/[\r\n]/);
  return outcome.error.message;
}
