/** The files that a graph's weights lie in. */
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
