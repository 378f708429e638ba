/** A training state as a safetensors file whose content is known by a hash. */
import { createHash } from 'node:crypto';
import { InputError } from '../errors.js';
import { openBytes } from '../files/bytes.js';
import { openSafetensors } from '../files/safetensors/read.js';
import { piecesOf, type TensorToWrite, writeSafetensorsSteps } from '../files/safetensors/write.js';
import type { TensorData } from '../files/tensorFile.js';
import type { Mapped, Structure, Values } from '../tensor/compile.js';
import { leavesOf, restructure } from '../tensor/trace/structure.js';
import { atOnce, type Steps } from '../turns.js';
import type { Snapshot } from './loop.js';

const dtypes = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const;
const arrays = { F32: Float32Array, I32: Int32Array, BOOL: Uint8Array } as const;
const typeNames = { F32: 'float32', I32: 'int32', BOOL: 'bool' } as const;

/** Names of what the file's metadata holds. */
const keys = { step: 'step', seconds: 'seconds', config: 'config', hash: 'sha256' } as const;

/**
 * Writes a state, in steps: each tensor under its path, such as `weights.image.blocks.0.q.weight`.
 * @param config a hash of the configuration that it belongs to
 * @throws InputError when the file cannot be written
 */
export function* writeState<State>(
  path: string,
  { step, state, seconds }: Snapshot<State>,
  config: string,
): Steps<void> {
  const tensors = new Map(tensorsOf(state));
  const metadata = { [keys.step]: String(step), [keys.seconds]: String(seconds), [keys.config]: config };
  const hash = yield* hashOf(tensors, metadata);
  yield* writeSafetensorsSteps(path, tensors, new Map(Object.entries({ ...metadata, [keys.hash]: hash })));
}

/**
 * Reads a state back.
 * @param like tensors in the structure of the state
 * @throws InputError when the file is damaged, or of another configuration or structure
 */
export function readState<State extends Structure>(path: string, like: State, config: string): Snapshot<State> {
  const file = openSafetensors(openBytes(path));
  try {
    const { [keys.hash]: hash, ...metadata } = Object.fromEntries(file.metadata);
    const leaves = leavesOf(like);
    const tensors = new Map<string, TensorData>();
    for (const { path: place, tensor } of leaves) {
      const name = place.join('.');
      const info = file.tensors.get(name);
      const dtype = dtypes[tensor.dtype as keyof typeof dtypes];
      if (info?.dtype !== dtype || String(info.shape) !== String(tensor.shape)) {
        const got = info ? `${info.dtype} [${info.shape}]` : 'nothing';
        throw new InputError(`${path}: expected '${name}' as ${dtype} [${tensor.shape}], got ${got}`);
      }
      tensors.set(name, file.read(name));
    }
    if (atOnce(hashOf(tensors, metadata)) !== hash) {
      throw new InputError(`${path}: its content is not what was written; the file is damaged`);
    }
    if (metadata[keys.config] !== config) throw new InputError(`${path}: it belongs to a run of another configuration`);
    const state = restructure(like, [...tensors.values()].map(valuesOf)) as Mapped<State, Values>;
    return { step: Number(metadata[keys.step]), seconds: Number(metadata[keys.seconds]), state };
  } finally {
    file.close();
  }
}

/** Over names, shapes and values, and the metadata in the order of its keys. */
function* hashOf(
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>>,
): Steps<string> {
  const hash = createHash('sha256').update(JSON.stringify(Object.entries(metadata).sort()));
  for (const [name, { dtype, shape, bytes }] of tensors) {
    hash.update(JSON.stringify([name, dtype, shape]));
    for (const piece of piecesOf(bytes as Uint8Array)) {
      hash.update(piece);
      yield;
    }
  }
  return hash.digest('hex');
}

function* tensorsOf(part: unknown, path: readonly string[] = []): Generator<[string, TensorData]> {
  const { data, shape, dtype = 'float32' } = part as Partial<Values>;
  if (!ArrayBuffer.isView(data)) {
    for (const [key, inner] of Object.entries(part as object)) yield* tensorsOf(inner, [...path, key]);
    return;
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  yield [path.join('.'), { dtype: dtypes[dtype], shape: shape!, bytes }];
}

function valuesOf({ dtype, shape, bytes }: TensorData): Values {
  const known = dtype as keyof typeof arrays;
  const Type = arrays[known];
  // A copy where the bytes lie askew in their buffer.
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const data = new Type(buffer as ArrayBuffer, byteOffset, bytes.byteLength / Type.BYTES_PER_ELEMENT);
  return { data, shape, dtype: typeNames[known] };
}
