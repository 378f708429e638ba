/**
 * How a model in memory refers to weights on a disk: by paths from a folder that the runtime is told. A browser has
 * `weightPlaces.browser.ts` in its place.
 */
import { realpathSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import type { WeightAccess } from '../run/host.js';
import type { FileSlice } from '../stored.js';
import { inFiles } from './filePaths.js';
import type { Placement } from './onnx/write.js';

/** Where a model finds slices of files, and what its runtime is told. */
export function weightPlaces(slices: readonly FileSlice[]): { placement: Placement; access: WeightAccess } {
  const folder = commonFolder(slices);
  if (folder === undefined) return { placement: () => undefined, access: {} };
  return { placement: inFiles(folder), access: { folder } };
}

/** The innermost folder that holds all the files, links followed; undefined for none. */
function commonFolder(slices: readonly FileSlice[]): string | undefined {
  const folders = [...new Set(slices.map(({ path }) => path))].map(path => dirname(resolve(realpathSync(path))));
  let [folder] = folders;
  while (folder !== undefined && !folders.every(other => isWithin(folder!, other))) folder = dirname(folder);
  return folder;
}

const isWithin = (folder: string, other: string): boolean =>
  other === folder || other.startsWith(folder.endsWith(sep) ? folder : folder + sep);
