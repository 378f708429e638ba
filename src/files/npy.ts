import { InputError } from '../errors.js';
import { type Dtype, tensorBytes } from './dtype.js';
import type { TensorData } from './tensorFile.js';

// NumPy's names for element types; '|' where byte order means nothing.
const descriptors: Readonly<Record<Exclude<Dtype, 'BF16'>, string>> = {
  BOOL: '|b1',
  U8: '|u1',
  I8: '|i1',
  U16: '<u2',
  I16: '<i2',
  F16: '<f2',
  U32: '<u4',
  I32: '<i4',
  F32: '<f4',
  U64: '<u8',
  I64: '<i8',
  F64: '<f8',
};

/**
 * A tensor as a `.npy` file, version 1.0: header padded so that the values begin at a multiple of 64 bytes, then the
 * values in row-major order. Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @throws InputError for BF16, which NumPy lacks, more axes than NumPy takes (64), and bytes that do not fit the shape.
 */
export function npyBytes({ dtype, shape, bytes }: TensorData): Uint8Array {
  if (dtype === 'BF16') throw new InputError('npy: NumPy has no bfloat16; convert the tensor to F32 or F16 first');
  if (shape.length > 64) throw new InputError(`npy: expected at most 64 axes, got ${shape.length}`);
  const size = tensorBytes(dtype, shape);
  if (size !== bytes.length) {
    throw new InputError(`npy: shape [${shape}] of ${dtype} takes ${size} bytes, got ${bytes.length}`);
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${descriptors[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = Math.ceil((10 + text.length + 1) / 64) * 64;
  const file = new Uint8Array(start + size).fill(0x20, 0, start);
  file.set([0x93, ...Buffer.from('NUMPY'), 1, 0, (start - 10) & 0xff, (start - 10) >> 8]);
  file.set(Buffer.from(text), 10);
  file[start - 1] = 0x0a;
  file.set(bytes, start);
  return file;
}
