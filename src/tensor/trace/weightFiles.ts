/** The files that a graph's weights lie in. */
import { realpathSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import type { FileSlice } from '../stored.js';
import { type Graph, valuesOf } from './graph.js';

/** The slices of files that a graph refers to. */
export const fileSlices = (graph: Graph): FileSlice[] =>
  valuesOf(graph).flatMap(({ source }) => (source?.kind === 'file' ? [source.slice] : []));

/** @throws InputError when a file is gone or no longer the one that was opened. */
export function checkFiles(slices: readonly FileSlice[]): void {
  const byPath = new Map(slices.map(slice => [slice.path, slice]));
  for (const { check } of byPath.values()) check();
}

/** The innermost folder that holds all the files, links followed; undefined for none. */
export function commonFolder(slices: readonly FileSlice[]): string | undefined {
  const folders = [...new Set(slices.map(({ path }) => path))].map(path => dirname(resolve(realpathSync(path))));
  let [folder] = folders;
  while (folder !== undefined && !folders.every(other => isWithin(folder!, other))) folder = dirname(folder);
  return folder;
}

const isWithin = (folder: string, other: string): boolean =>
  other === folder || other.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** A file's path from a folder, as models write it. */
export const pathFrom = (folder: string, path: string): string =>
  relative(folder, realpathSync(path)).split(sep).join('/');
