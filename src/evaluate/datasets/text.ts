import { InputError } from '../../errors.js';
import { openBytes } from '../../files/bytes.js';

/** The ids of COCO's 123,287 images take 2 MiB. */
const mostBytes = 16 << 20;

/** A list as text. @throws InputError when it is missing, larger than 16 MiB, or not UTF-8 */
export function readText(path: string): string {
  const source = openBytes(path);
  try {
    if (source.size > mostBytes) {
      throw new InputError(`${path}: expected a text file of at most 16 MiB, got ${source.size} bytes`);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(source.read(0, source.size));
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(`${path}: expected UTF-8 text`);
  } finally {
    source.close();
  }
}
