import { InputError } from '../../../src/errors.js';
import { bytesFromMemory } from '../../../src/files/byteSource.js';
import { openSafetensors } from '../../../src/files/safetensors/read.js';
import type { TensorData, TensorFile } from '../../../src/files/tensorFile.js';

/** A file of these parts, true or not: the header's length unless another is claimed, the header, zeros or given data. */
export function craft(header: string | Uint8Array, data: number | Uint8Array = 0, claim?: bigint): Uint8Array {
  const text = typeof header === 'string' ? Buffer.from(header) : header;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claim ?? BigInt(text.length));
  return new Uint8Array(Buffer.concat([length, text, typeof data === 'number' ? new Uint8Array(data) : data]));
}

/** One member of a header. */
export function member(name: string, dtype: string, shape: unknown, offsets: unknown): string {
  return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: offsets })}`;
}

export function open(bytes: Uint8Array): TensorFile {
  return openSafetensors(bytesFromMemory(bytes, 'x.safetensors'));
}

/** The message with which the reader refuses the bytes; undefined when it takes them. Other errors pass through. */
export function refusal(bytes: Uint8Array): string | undefined {
  try {
    open(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

/** A vector of float32. */
export function f32(...values: number[]): TensorData {
  return { dtype: 'F32', shape: [values.length], bytes: new Uint8Array(Float32Array.from(values).buffer) };
}
