/** Weights as a file beside a model: ONNX' external data (https://onnx.ai/onnx/repo-docs/ExternalData.html). */
import { openBytes } from '../../../files/bytes.js';
import { bytesIn, type Graph, type Value, valuesOf } from '../graph.js';
import { bytesOf, type Placed, type Placement } from './write.js';

export interface DataFile {
  readonly placement: Placement;
  /** In bytes. */
  readonly length: number;
  /** Hands over the file's bytes, which may be overwritten once `write` returns. */
  content(write: (chunk: Uint8Array) => void): void;
}

/** What is smaller, and in memory, goes into the model itself. */
const smallest = 1024;
/** A page of memory: where runtimes that map the file want each weight to begin. */
const alignment = 4096;
const chunk = 1 << 22;

/**
 * Lays out the known values of a graph in one file, in the order in which they are used.
 *
 * @param graph lowered.
 * @param location what the model calls the file.
 * @param belongs which of them; all when left out.
 */
export function dataFile(graph: Graph, location: string, belongs: (value: Value) => boolean = () => true): DataFile {
  const places = new Map<Value, Placed>();
  let end = 0;
  for (const value of valuesOf(graph)) {
    const kind = value.source?.kind;
    if (kind === undefined || kind === 'input' || kind === 'ints' || !belongs(value)) continue;
    const length = bytesIn(value);
    if (length < smallest && kind !== 'file') continue;
    const offset = Math.ceil(end / alignment) * alignment;
    places.set(value, { location, offset, length });
    end = offset + length;
  }
  return {
    placement: value => places.get(value),
    length: end,
    content(write) {
      let at = 0;
      for (const [value, { offset, length }] of places) {
        write(new Uint8Array(offset - at));
        writeValue(value, write);
        at = offset + length;
      }
    },
  };
}

function writeValue(value: Value, write: (chunk: Uint8Array) => void): void {
  if (value.source?.kind !== 'file') {
    write(bytesOf(value));
    return;
  }
  const { path, offset, length } = value.source.slice;
  const source = openBytes(path);
  try {
    const buffer = new Uint8Array(Math.min(chunk, length));
    for (let at = 0; at < length; at += chunk) write(source.read(offset + at, Math.min(chunk, length - at), buffer));
  } finally {
    source.close();
  }
}
