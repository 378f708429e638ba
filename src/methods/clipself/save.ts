/** What `train clipself` leaves: the folder of the model it began with, with other weights in it. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { OpenModel } from '../../checkpoint/loadClip.js';
import { configFiles } from '../../checkpoint/weightFiles.js';
import { writeAtomic } from '../../files/atomic.js';
import { openBytes } from '../../files/bytes.js';
import { fromFloat32 } from '../../files/dtype.js';
import { makeFolder } from '../../files/folder.js';
import { type TensorToWrite, writeSafetensors } from '../../files/safetensors/write.js';
import type { WindowedBlocks } from '../../model/config.js';
import { locate } from '../../model/weights/checkpoint.js';
import { thirdOf } from '../../model/weights/dialects.js';
import { rolesOf } from '../../model/weights/roles.js';
import type { Mapped, Values } from '../../tensor/compile.js';
import { storedOrder, weightAt } from '../../train/storedWeights.js';
import type { TrainedParts } from './task.js';

export interface SaveOptions {
  /** Share of what was trained; the rest is the teacher's. 1 is the student alone. */
  readonly alpha: number;
  /** Windows that the student was trained with. */
  readonly windows?: WindowedBlocks;
}

/**
 * Writes a model folder: the weights of the start with `alpha * student + (1 - alpha) * start` for what was trained,
 * everything else as it was, in the names and element types of the start; and the small files beside it.
 * @throws InputError when the folder cannot be written, or the start's file changed
 */
export function writeDistilled(
  folder: string,
  start: OpenModel,
  parts: Mapped<TrainedParts, Values>,
  { alpha, windows }: SaveOptions,
): void {
  makeFolder(folder);
  writeSafetensors(join(folder, 'model.safetensors'), tensorsOf(start, parts, alpha), new Map([['format', 'pt']]));
  const { config, preprocessor } = start.files;
  const beside = [config, preprocessor, ...configFiles.map(name => join(start.files.folder, name))];
  for (const path of new Set(beside)) if (path !== undefined && existsSync(path)) copyInto(folder, path);
  const settings = { ...start.settings, ...(windows && { windows }) };
  if (Object.keys(settings).length === 0) return;
  writeAtomic(join(folder, 'clipscope.json'), Buffer.from(`${JSON.stringify(settings, undefined, 2)}\n`));
}

/** Atomically, and writable whatever the original is: a run saves more than once. */
function copyInto(folder: string, path: string): void {
  const source = openBytes(path);
  try {
    writeAtomic(join(folder, basename(path)), source.read(0, source.size));
  } finally {
    source.close();
  }
}

/** All tensors of the start's file; those with something trained in them are made when their turn comes. */
function tensorsOf(start: OpenModel, parts: Mapped<TrainedParts, Values>, alpha: number): Map<string, TensorToWrite> {
  const { file } = start;
  const mixed = mixedTensors(start, parts, alpha);
  return new Map(
    Array.from(file.tensors, ([name, { dtype, shape }]): [string, TensorToWrite] => {
      const values = mixed.get(name);
      if (!values) return [name, { dtype, shape, bytes: () => file.read(name).bytes }];
      const kept = dtype === 'F16' || dtype === 'BF16' ? dtype : 'F32';
      return [name, { dtype: kept, shape, bytes: () => fromFloat32(kept, values()) }];
    }),
  );
}

/**
 * `alpha * student + (1 - alpha) * start` for the tensors of the start's file that hold something trained, by their names
 * there and in their order of values.
 */
export function mixedTensors(
  { file, checkpoint, config }: OpenModel,
  parts: Mapped<TrainedParts, Values>,
  alpha: number,
): Map<string, () => Float32Array> {
  const tower = { image: laidOut(parts, config.image!.layers) };
  const placed = new Map<string, Placed[]>();
  for (const [role, shape] of rolesOf(config)) {
    const weight = weightAt(tower, role) as Values | undefined;
    if (!weight) continue;
    const { tensor, form } = locate(checkpoint, role)!;
    const given = weight.data as Float32Array;
    const values = () => (form === 'transposed' ? given : storedOrder(role, given, shape));
    placed.set(tensor, [...(placed.get(tensor) ?? []), { third: thirdOf(form) ?? 0, values }]);
  }
  const mixed = (name: string, parts: readonly Placed[]) => () => {
    const values = file.readFloat32(name);
    for (const part of parts) mix(values, part, alpha);
    return values;
  };
  return new Map(Array.from(placed, ([name, parts]) => [name, mixed(name, parts)]));
}

/** A trained weight, and which third of its tensor it is where it is one. */
interface Placed {
  readonly third: number;
  readonly values: () => Float32Array;
}

/** Trained parts where a whole tower has them: the first blocks are empty. */
function laidOut({ blocks, stem }: Mapped<TrainedParts, Values>, layers: number): object {
  return { ...stem, blocks: Array.from({ length: layers }, (_, i) => blocks[i - layers + blocks.length] ?? {}) };
}

/** Moves the values of a tensor, or of a third of it, towards others. */
function mix(start: Float32Array, { third, values: made }: Placed, alpha: number): void {
  const values = made();
  const offset = third * values.length;
  for (let i = 0; i < values.length; i++) {
    start[offset + i] = alpha * values[i]! + (1 - alpha) * start[offset + i]!;
  }
}
