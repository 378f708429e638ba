import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';

/** Expects an InputError of one printable line that holds every part. */
export function expectRefused(run: () => unknown, ...parts: string[]): void {
  let message: string | undefined;
  try {
    run();
  } catch (error) {
    expect(error, String(error)).to.be.instanceOf(InputError);
    message = (error as Error).message;
  }
  if (message === undefined) expect.fail(`nothing was refused; expected: ${parts.join(', ')}`);
  for (const part of parts) expect(message).to.include(part);
  expect(isOneLine(message), JSON.stringify(message)).to.equal(true);
}

/** No line break, escape sequence or invisible mark. */
export function isOneLine(message: string): boolean {
  return [...message].every(
    character => character >= ' ' && !'\u007f\u2028\u2029\u202a\u202e\u2066\ufeff'.includes(character),
  );
}
