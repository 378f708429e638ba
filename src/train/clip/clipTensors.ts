import type { ClipConfig } from '../../model/config.js';
import { entryOf, huggingFace } from '../../model/weights/dialects.js';
import { rolesOf } from '../../model/weights/roles.js';
import type { Mapped, Values } from '../../tensor/compile.js';
import { storedOrder, weightAt } from '../storedWeights.js';
import type { TrainedWeights } from './initial.js';

/** The values of a tensor and the shape that a checkpoint gives it. */
export interface StoredValues {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Trained weights as a Hugging Face checkpoint holds them.
 * @param config of the model, with the vocabulary of its tokenizer
 * @param ids what the rows of the trained table stand for in that vocabulary; the rows of all others are zeros
 */
export function clipTensors(
  config: ClipConfig,
  ids: Int32Array,
  weights: Mapped<TrainedWeights, Values>,
): Map<string, StoredValues> {
  const tensors = new Map<string, StoredValues>();
  for (const [role, shape] of rolesOf(config)) {
    const { data: given } = weightAt(weights, role) as { data: Float32Array };
    const data = role === 'text.table' ? spread(given, ids, shape) : storedOrder(role, given, shape);
    tensors.set(entryOf(huggingFace, role).theirs, { shape, data });
  }
  return tensors;
}

/** Rows put where their ids say in a larger table. */
function spread(table: Float32Array, ids: Int32Array, [rows, width]: readonly number[]): Float32Array {
  const whole = new Float32Array(rows! * width!);
  ids.forEach((id, row) => {
    whole.set(table.subarray(row * width!, (row + 1) * width!), id * width!);
  });
  return whole;
}
