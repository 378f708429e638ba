/** How a tensor of a window is kept: half the bytes, and nothing lost that float16 cannot say. */
import { fromFloat32, toFloat32 } from '../../files/dtype.js';
import type { Values } from '../../tensor/compile.js';

/** A tensor as it is kept. */
export interface PackedTensor {
  readonly dtype: 'F16' | 'F32';
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array;
}

/** From here on a value rounds to infinity: float16's largest, 65504, and half a step. */
const beyondFloat16 = 65520;

/**
 * Float32 values as float16, rounded to the nearest, ties to even. A tensor in which one finite value is beyond
 * float16's range stays float32, all of it: infinity in its place would spoil whatever reads it.
 * @returns copies: the values given may change afterwards
 * @throws TypeError for values that are not float32
 */
export function pack({ data, shape }: Values): PackedTensor {
  if (!(data instanceof Float32Array)) throw new TypeError(`prefix cache: expected float32 values of shape [${shape}]`);
  if (fitsFloat16(data)) return { dtype: 'F16', shape, bytes: fromFloat32('F16', data) };
  return { dtype: 'F32', shape, bytes: fromFloat32('F32', data.slice()) };
}

function fitsFloat16(data: Float32Array): boolean {
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]!);
    if (size >= beyondFloat16 && size < Number.POSITIVE_INFINITY) return false;
  }
  return true;
}

/** The values again, as new arrays. */
export function unpack({ dtype, shape, bytes }: PackedTensor): Values {
  return { data: toFloat32(dtype, bytes), shape };
}
