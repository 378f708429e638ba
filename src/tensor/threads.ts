import { InputError } from '../errors.js';

/** More than any machine has cores for one operation; each thread costs memory whether it works or not. */
export const mostThreads = 256;

/** @throws InputError for a number of threads that makes no sense. */
export function checkThreads(where: string, threads: number): void {
  if (Number.isInteger(threads) && threads > 0 && threads <= mostThreads) return;
  throw new InputError(`${where}: expected a whole number from 1 to ${mostThreads}, got ${threads}`);
}
