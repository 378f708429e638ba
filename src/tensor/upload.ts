import { backend, fill, getBackend, type Tensor, tensor } from './tfjs.js';

/** What tfjs-wasm's backend has besides: a view of a tensor's own memory, good until that memory grows. */
interface HeapBackend {
  typedArrayFromHeap(made: Tensor): Float32Array;
}

/**
 * A tensor whose values `write` puts in place: on wasm straight into the engine's memory, so that large values never
 * lie in memory twice; elsewhere into the array that the engine keeps. `write` must not make tensors.
 */
export function writtenTensor(shape: number[], write: (values: Float32Array) => unknown): Tensor {
  if (getBackend() === 'wasm') {
    const made = fill(shape, 0);
    write((backend() as unknown as HeapBackend).typedArrayFromHeap(made));
    return made;
  }
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  write(values);
  return tensor(values, shape);
}
