/** How models name files on a disk. */
import { realpathSync } from 'node:fs';
import { relative, sep } from 'node:path';
import type { Placement } from './onnx/write.js';

/** Leaves weights where they are, in files that are named from a folder. */
export function inFiles(folder: string): Placement {
  // A model has hundreds of weights in a file or a few.
  const locations = new Map<string, string>();
  return ({ source }) => {
    if (source?.kind !== 'file') return undefined;
    const { path, offset, length } = source.slice;
    const location = locations.get(path) ?? pathFrom(folder, path);
    locations.set(path, location);
    return { location, offset, length };
  };
}

/** A file's path from a folder, as models write it. */
export const pathFrom = (folder: string, path: string): string =>
  relative(folder, realpathSync(path)).split(sep).join('/');
