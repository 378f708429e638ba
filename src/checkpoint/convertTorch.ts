import { InputError } from '../errors.js';
import { openBytes } from '../files/bytes.js';
import { quoted } from '../files/quote.js';
import { type TensorToWrite, writeSafetensors } from '../files/safetensors/write.js';
import type { TensorFile } from '../files/tensorFile.js';
import { openTorch } from '../files/torch/open.js';

/**
 * Writes the tensors of PyTorch checkpoints (one, or the parts of a sharded one) as one safetensors file, with their
 * names and dtypes, one tensor in memory at a time. `out` appears whole or not at all.
 * @throws InputError when a file is no readable PyTorch checkpoint, a name is in two of them, or `out` cannot be written.
 */
export function convertTorch(paths: readonly string[], out: string): void {
  const files: TensorFile[] = [];
  try {
    const tensors = new Map<string, TensorToWrite>();
    for (const path of paths) {
      const file = openFile(path);
      files.push(file);
      for (const { name, dtype, shape } of file.tensors.values()) {
        if (tensors.has(name)) throw new InputError(`${path}: tensor ${quoted(name)} is in another part too`);
        tensors.set(name, { dtype, shape, bytes: () => file.read(name).bytes });
      }
    }
    // What Python's loaders look for before they take a file for PyTorch's.
    writeSafetensors(out, tensors, new Map([['format', 'pt']]));
  } finally {
    for (const file of files) file.close();
  }
}

function openFile(path: string): TensorFile {
  const source = openBytes(path);
  try {
    return openTorch(source);
  } catch (error) {
    source.close();
    throw error;
  }
}
