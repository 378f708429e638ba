import { InputError } from '../../errors.js';
import { type ByteSource, checkArrayLength } from '../byteSource.js';
import { dtypeWidths, toFloat32 } from '../dtype.js';
import { nearestPrintable, quoted } from '../quote.js';
import type { TensorFile } from '../tensorFile.js';
import { readHeader } from './header.js';

// A multiple of every width, small enough to stay in a processor's cache.
const pieceBytes = 1 << 18;

/**
 * Opens a safetensors file: its header is read and checked here, each tensor's bytes when they are asked for. The
 * source now belongs to the tensor file, which closes it; when the header is refused it is closed at once.
 * @throws InputError when the file breaks any rule of the format, naming the file, the tensor and the fault.
 */
export function openSafetensors(source: ByteSource): TensorFile {
  try {
    return tensorFile(source);
  } catch (error) {
    source.close();
    throw error;
  }
}

function tensorFile(source: ByteSource): TensorFile {
  const file = source.name;
  const { metadata, entries, dataStart } = readHeader(source);
  let open = true;
  let check: (() => void) | undefined;
  let piece: Uint8Array | undefined;

  function locate(name: string) {
    if (!open) throw new Error(`${file}: read after it was closed`);
    const entry = entries.get(name);
    if (!entry) throw new InputError(`${file}: no tensor ${quoted(name)}${nearestPrintable(name, entries.keys())}`);
    return { ...entry, at: dataStart + entry.begin, size: entry.end - entry.begin };
  }

  function allocatable(name: string, bytes: number): number {
    checkArrayLength(bytes, `${file}: tensor ${quoted(name)}`);
    return bytes;
  }

  return {
    name: file,
    format: 'safetensors',
    metadata,
    tensors: entries,
    read(name) {
      const { dtype, shape, at, size } = locate(name);
      return { dtype, shape, bytes: source.read(at, allocatable(name, size)) };
    },
    readFloat32(name, into) {
      const { dtype, at, size } = locate(name);
      const count = size / dtypeWidths[dtype];
      const values = into ? into.subarray(0, count) : new Float32Array(allocatable(name, count * 4) / 4);
      if (values.length < count) throw new RangeError(`readFloat32: 'into' holds ${values.length} of ${count} values`);
      // Piece by piece, so that a tensor is never in memory in two forms.
      piece ??= new Uint8Array(pieceBytes);
      for (let done = 0; done < size; done += piece.length) {
        const bytes = source.read(at + done, Math.min(piece.length, size - done), piece);
        toFloat32(dtype, bytes, values.subarray(done / dtypeWidths[dtype]));
      }
      return values;
    },
    location(name) {
      const { at, size } = locate(name);
      if (!source.file) return undefined;
      const { path, bytes, remember } = source.file;
      check ??= remember(dataStart);
      return { path, offset: at, length: size, ...(bytes && { bytes }), check };
    },
    close() {
      open = false;
      source.close();
    },
  };
}
