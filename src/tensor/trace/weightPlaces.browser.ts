/** In the place of `weightPlaces.ts`: a model in a page refers to files that are in memory, which the runtime is given. */
import type { WeightAccess } from '../run/host.js';
import type { FileSlice } from '../stored.js';
import type { Placement } from './onnx/write.js';

export function weightPlaces(slices: readonly FileSlice[]): { placement: Placement; access: WeightAccess } {
  const placement: Placement = ({ source }) => {
    if (source?.kind !== 'file') return undefined;
    const { path, offset, length } = source.slice;
    return { location: path, offset, length };
  };
  const files = new Map(slices.map(({ path, bytes }) => [path, bytes!]));
  return { placement, access: { files: [...files].map(([path, data]) => ({ path, data })) } };
}
