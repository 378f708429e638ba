import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InputError } from '../errors.js';
import { reasonOf } from './bytes.js';

/**
 * Makes a folder and those it lies in; one that is there is left as it is.
 * @throws InputError when a part of the path is no folder, or may not be written to.
 */
export function makeFolder(path: string): void {
  try {
    make(resolve(path));
  } catch (error) {
    throw new InputError(`${path}: the folder cannot be made: ${reasonOf(error)}`);
  }
}

/** Node's own recursion never ends where a folder says of what is made in it that the folder is missing, as `/proc` does. */
function make(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) make(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    const madeMeanwhile = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (!madeMeanwhile) throw error;
  }
}

/** Names of what lies in a folder. @throws InputError when it cannot be read */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new InputError(`${folder}: cannot be read: ${reasonOf(error)}`);
  }
}
