import { InputError } from '../errors.js';
import { openBytes } from './bytes.js';
import { parseJson } from './json.js';

/** A small JSON file. @throws InputError when it is missing, larger than 4 MiB, or not JSON. */
export function readJson(path: string): unknown {
  const source = openBytes(path);
  try {
    if (source.size > 4 << 20) {
      throw new InputError(`${path}: expected at most 4 MiB of JSON, got ${source.size} bytes`);
    }
    return parseJson(source.read(0, source.size), path);
  } finally {
    source.close();
  }
}
