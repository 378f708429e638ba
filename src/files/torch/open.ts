import { InputError } from '../../errors.js';
import { type ByteSource, checkArrayLength } from '../byteSource.js';
import { toFloat32 } from '../dtype.js';
import { nearestPrintable, quoted } from '../quote.js';
import type { TensorFile, TensorInfo } from '../tensorFile.js';
import { openArchive } from './archive.js';
import { openLegacy } from './legacy.js';
import { collectTensors } from './stateDict.js';
import { type OpenedTorch, readTensor } from './tensors.js';
import type { StoredTensor } from './values.js';

/**
 * Opens a PyTorch checkpoint (`.pt`, `.pth`, `.bin`), told apart by content: the zip archive of torch.save
 * (`torch-zip`), the format before 1.6 (`torch-legacy`), or a TorchScript archive as OpenAI ships CLIP
 * (`torch-script`). The pickle inside is read by an allow-list and builds tensors; nothing in the file is run.
 * Values are read when asked for, a whole archive member against its CRC-32; `close` closes the source.
 *
 * Names are those of the state dict, taken out of `state_dict` or `model` where a training checkpoint wraps it.
 * @throws InputError when the file is none of the three, holds anything but plain tensors, or contradicts itself; the
 * source is then left for the caller to close.
 */
export function openTorch(source: ByteSource): TensorFile {
  const { format, root, readStorage } = recognise(source);
  const stored = collectTensors(root, source.name, source.size);
  const tensors = new Map(
    [...stored].map(([name, { dtype, shape }]): [string, TensorInfo] => [name, { name, dtype, shape }]),
  );

  function find(name: string): StoredTensor {
    const tensor = stored.get(name);
    if (tensor) return tensor;
    throw new InputError(`${source.name}: no tensor ${quoted(name)}${nearestPrintable(name, stored.keys())}`);
  }

  return {
    name: source.name,
    format,
    metadata: new Map(),
    tensors,
    read(name) {
      const tensor = find(name);
      return { dtype: tensor.dtype, shape: tensor.shape, bytes: readTensor(tensor, readStorage) };
    },
    readFloat32(name, into) {
      const tensor = find(name);
      if (!into) checkArrayLength(4 * tensor.elements, `${source.name}: tensor ${quoted(name)}`);
      if (tensor.dtype !== 'F32') return toFloat32(tensor.dtype, readTensor(tensor, readStorage), into);
      // The bytes go straight to their place, which saves a copy of the largest tensors.
      const out = into ? into.subarray(0, tensor.elements) : new Float32Array(tensor.elements);
      if (out.length < tensor.elements) {
        throw new RangeError(`readFloat32: 'into' holds ${out.length} values, ${tensor.elements} wanted`);
      }
      readTensor(tensor, readStorage, new Uint8Array(out.buffer, out.byteOffset, out.byteLength));
      return out;
    },
    close: () => source.close(),
  };
}

function recognise(source: ByteSource): OpenedTorch {
  const start = source.read(0, Math.min(4, source.size));
  if (start.length === 4 && start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4) {
    return openArchive(source);
  }
  if (start[0] === 0x80) return openLegacy(source);
  const got = [...start].map(byte => byte.toString(16).padStart(2, '0')).join(' ');
  throw new InputError(
    `${source.name}: expected a PyTorch checkpoint (a zip archive or a pickle), ` +
      (start.length === 0 ? 'but it is empty' : `but it begins with the bytes ${got}`),
  );
}
