import { InputError } from '../../errors.js';

/** Refuses what is not a whole number in `[least, most]`, naming function and argument. */
export function checkWhole(value: number, name: string, least: number, most = 2 ** 31 - 1): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new InputError(`${name}: expected a whole number from ${least} to ${most}, got ${value}`);
  }
}

/** Most values one array of this folder may hold: 2 GiB of float32. */
const mostValues = 2 ** 29;

/** A float32 array of classes x pixels, refused with advice before memory is taken when it would pass 2 GiB. */
export function largeArray(values: number, what: string, advice: string): Float32Array {
  if (values > mostValues) {
    throw new InputError(`${what}: ${values} values would pass 2 GiB (${mostValues} values); ${advice}`);
  }
  return new Float32Array(values);
}
