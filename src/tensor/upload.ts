import { getBackend } from './tfjs.js';

/**
 * Where to put values on their way into a tensor: on wasm, which copies them into its own memory at once, the same
 * buffer again and again; on engines that keep the array, a new one each time. Memory churn is what loading costs.
 */
export function uploadBuffer(): (size: number) => Float32Array {
  if (getBackend() !== 'wasm') return size => new Float32Array(size);
  let buffer = new Float32Array(0);
  return size => {
    if (buffer.length < size) buffer = new Float32Array(size);
    return buffer.subarray(0, size);
  };
}
