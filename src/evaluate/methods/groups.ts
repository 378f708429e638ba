/** Methods that can share the run of an image's windows up to the blocks they change. */
import { promptsFor, type SegmentingClip } from '../../segment/segmenter.js';
import { geometryOf } from './geometry.js';
import type { ResolvedMethod } from './resolve.js';

/** Methods with the same sizes, windows, positions, names and prompts. */
export interface MethodGroup {
  /** Their places among all methods. */
  readonly places: readonly number[];
  readonly methods: readonly ResolvedMethod[];
  readonly templates: readonly string[];
}

/** Parts methods into as few groups as there are ways to cut and ask; groups and methods stay in order. */
export function groupMethods(
  methods: readonly ResolvedMethod[],
  model: Pick<SegmentingClip, 'settings'>,
): MethodGroup[] {
  const groups = new Map<string, { places: number[]; methods: ResolvedMethod[]; templates: readonly string[] }>();
  for (const [place, method] of methods.entries()) {
    const { queries, classOfQuery } = method.vocabulary;
    const templates = promptsFor(model, method.protocol);
    const key = JSON.stringify([geometryOf(method.protocol), queries, [...classOfQuery], templates]);
    const group = groups.get(key) ?? { places: [], methods: [], templates };
    groups.set(key, group);
    group.places.push(place);
    group.methods.push(method);
  }
  return [...groups.values()];
}
