import { InputError } from '../../errors.js';
import { atOnce, type Steps } from '../../turns.js';
import { writeAtomicSteps } from '../atomic.js';
import { type Dtype, isDtype, tensorBytes } from '../dtype.js';
import { maxKeys } from '../json.js';
import { quoted } from '../quote.js';
import type { TensorData } from '../tensorFile.js';
import { maxAxes, maxHeaderBytes, metadataKey } from './header.js';

/** A tensor whose bytes are there, or are made when their turn comes, so that only one tensor need be in memory. */
export interface TensorToWrite extends Omit<TensorData, 'bytes'> {
  readonly bytes: Uint8Array | (() => Uint8Array);
}

/** Tensors by name; a `Map` is one. */
export type NamedTensors = Iterable<readonly [string, TensorToWrite]>;

// The order in which the format's own writer lays out dtypes: the widest first, so that every tensor lies aligned.
const layout = ['U64', 'I64', 'F64', 'F32', 'U32', 'I32', 'BF16', 'F16', 'U16', 'I16', 'I8', 'U8', 'BOOL'];
const rank = (dtype: Dtype) => layout.indexOf(dtype);

interface Planned extends TensorToWrite {
  readonly name: string;
  /** See `utf8Order`. */
  readonly key: string;
  readonly size: number;
}

/**
 * Writes a safetensors file, whole or not at all. The same tensors and metadata give the same bytes, those that the
 * format's own writer gives: dtypes from wide to narrow, then names by their UTF-8 bytes, the header padded with blanks
 * to 8 bytes.
 * @param metadata free text for `__metadata__`; written in the order of its keys.
 * @throws InputError before the file is touched for a name used twice, reserved or not Unicode, a shape that does not
 *   fit its bytes, or a header over 100 MB; and as `writeAtomic` does.
 */
export const writeSafetensors = (...given: Parameters<typeof writeSafetensorsSteps>): void =>
  atOnce(writeSafetensorsSteps(...given));

/** `writeSafetensors` in steps. */
export function* writeSafetensorsSteps(
  path: string,
  tensors: NamedTensors,
  metadata?: ReadonlyMap<string, string>,
): Steps<void> {
  const { head, ordered } = plan(path, tensors, metadata);
  yield* writeAtomicSteps(path, function* (write): Steps<void> {
    write(head);
    for (const tensor of ordered) {
      for (const piece of piecesOf(bytesOf(path, tensor))) {
        write(piece);
        yield;
      }
    }
  });
}

/** Bytes that are hashed or written in a step. */
const bytesAStep = 2 ** 22;

/** Bytes in pieces of a few megabytes. */
export function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += bytesAStep) yield bytes.subarray(at, at + bytesAStep);
}

/** The same file in memory. @throws InputError as `writeSafetensors` does, less what concerns the disk. */
export function safetensorsBytes(tensors: NamedTensors, metadata?: ReadonlyMap<string, string>): Uint8Array {
  const file = 'safetensors';
  const { head, ordered } = plan(file, tensors, metadata);
  const bytes = new Uint8Array(ordered.reduce((sum, { size }) => sum + size, head.length));
  bytes.set(head);
  let at = head.length;
  for (const tensor of ordered) {
    bytes.set(bytesOf(file, tensor), at);
    at += tensor.size;
  }
  return bytes;
}

/** The head of the file, and the tensors in the order in which their bytes follow it. */
function plan(file: string, tensors: NamedTensors, metadata: ReadonlyMap<string, string> = new Map()) {
  const planned = new Map<string, Planned>();
  for (const [name, tensor] of tensors) {
    if (planned.has(name)) throw new InputError(`${file}: tensor ${quoted(name)}: given twice`);
    planned.set(name, checked(file, name, tensor));
  }
  const ordered = [...planned.values()].sort((a, b) => rank(a.dtype) - rank(b.dtype) || (a.key < b.key ? -1 : 1));
  const members = metadata.size > 0 ? [`"${metadataKey}":${textObject(file, metadata)}`] : [];
  let begin = 0;
  for (const { name, dtype, shape, size } of ordered) {
    const entry = { dtype, shape, data_offsets: [begin, begin + size] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    begin += size;
  }
  const most = Math.max(members.length, metadata.size);
  if (most > maxKeys) throw new InputError(`${file}: expected at most ${maxKeys} names, got ${most}`);
  return { head: headBytes(file, `{${members.join(',')}}`), ordered };
}

function checked(file: string, name: string, tensor: TensorToWrite): Planned {
  const { dtype, shape, bytes } = tensor;
  const fault = (text: string) => new InputError(`${file}: tensor ${quoted(name)}: ${text}`);
  if (name === metadataKey) throw fault('the name is reserved for metadata');
  if (!isDtype(dtype)) throw fault(`unknown dtype ${quoted(String(dtype))}`);
  if (shape.length > maxAxes) throw fault(`expected at most ${maxAxes} axes, got ${shape.length}`);
  if (!shape.every(axis => Number.isSafeInteger(axis) && axis >= 0)) {
    throw fault(`expected a shape of non-negative integers, got [${shape}]`);
  }
  const size = tensorBytes(dtype, shape);
  if (size === undefined) throw fault(`the size of shape [${shape}] overflows`);
  const planned = { name, key: utf8Order(file, name), dtype, shape, bytes, size };
  if (typeof bytes !== 'function') bytesOf(file, planned);
  return planned;
}

function bytesOf(file: string, { name, dtype, shape, bytes, size }: Planned): Uint8Array {
  const made = typeof bytes === 'function' ? bytes() : bytes;
  if (made.length === size) return made;
  throw new InputError(
    `${file}: tensor ${quoted(name)}: shape [${shape}] of ${dtype} takes ${size} bytes, got ${made.length}`,
  );
}

/** A string that compares as the UTF-8 bytes of `text` do; UTF-16 puts U+E000 to U+FFFF after what lies beyond them. */
function utf8Order(file: string, text: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new InputError(`${file}: ${quoted(text)}: expected Unicode, got a lone surrogate`);
  return Buffer.from(text).toString('latin1');
}

function textObject(file: string, texts: ReadonlyMap<string, string>): string {
  const members = [...texts].map(([key, value]) => {
    utf8Order(file, value);
    return { order: utf8Order(file, key), text: `${JSON.stringify(key)}:${JSON.stringify(value)}` };
  });
  return `{${members
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ text }) => text)
    .join(',')}}`;
}

function headBytes(file: string, json: string): Uint8Array {
  const text = Buffer.from(json);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > maxHeaderBytes) {
    throw new InputError(`${file}: expected names and metadata that fit ${maxHeaderBytes} bytes, got ${length}`);
  }
  const head = new Uint8Array(8 + length).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(text, 8);
  return head;
}
