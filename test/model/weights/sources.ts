/** Checkpoints in memory, to be renamed, spoilt and counted. */
import { openBytes } from '../../../src/files/bytes.js';
import { openSafetensors } from '../../../src/files/safetensors/read.js';
import type { WeightSource } from '../../../src/model/weights/checkpoint.js';
import { findGolden } from '../../goldens.js';

export interface Stored {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A source over tensors in memory that notes every read. `failAt`: the read (from 1) that throws. */
export function sourceOf(
  tensors: ReadonlyMap<string, Stored>,
  { name = 'stub', failAt = Number.POSITIVE_INFINITY } = {},
): WeightSource & { readonly reads: string[] } {
  const reads: string[] = [];
  return {
    name,
    tensors,
    reads,
    readFloat32(tensor, into) {
      reads.push(tensor);
      if (reads.length === failAt) throw new Error(`read ${failAt} fails`);
      const { values } = tensors.get(tensor)!;
      if (!into) return values.slice();
      into.set(values);
      return into.subarray(0, values.length);
    },
  };
}

function readAll(relative: string): Map<string, Stored> {
  const file = openSafetensors(openBytes(findGolden(relative)!));
  const tensors = [...file.tensors].map(([name, { shape }]): [string, Stored] => [
    name,
    { shape, values: file.readFloat32(name) },
  ]);
  file.close();
  return new Map(tensors);
}

/** The tiny CLIP under OpenAI's names. */
export const openAiTensors = () => readAll('clip-tiny/weights/open_clip-v512/open_clip_model.safetensors');

/** The tensors under other names; those that `rename` gives no name are left out. */
export const renamed = (
  tensors: ReadonlyMap<string, Stored>,
  rename: (name: string) => string | undefined,
): Map<string, Stored> =>
  new Map(
    [...tensors].flatMap(([name, stored]) => {
      const other = rename(name);
      return other === undefined ? [] : [[other, stored] as const];
    }),
  );

/** A tensor of that shape, all zeros. */
export const blank = (...shape: number[]): Stored => ({
  shape,
  values: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});
