import type { ClipConfig } from '../../model/config.js';
import { entryOf, huggingFace } from '../../model/weights/dialects.js';
import { rolesOf } from '../../model/weights/roles.js';
import type { Mapped, Values } from '../../tensor/compile.js';
import type { TrainedWeights } from './initial.js';

/** The values of a tensor and the shape that a checkpoint gives it. */
export interface StoredValues {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What is looked up by rows; every other matrix is multiplied with, and lies transposed in a checkpoint. */
const lookedUp = /\.(table|positions)$/;

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
    const values = weightOf(role, weights);
    const given = values.data as Float32Array;
    const data = role === 'text.table' ? spread(given, ids, shape) : stored(role, given, shape);
    tensors.set(entryOf(huggingFace, role).theirs, { shape, data });
  }
  return tensors;
}

/** Roles are paths in the weights but for the names of a block's parts. */
function weightOf(role: string, weights: Mapped<TrainedWeights, Values>): Values {
  const path = role.replace(/\.(attn|mlp)\./, '.').replace(/\.patch\.weight$/, '.patch');
  const found = path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], weights);
  return found as Values;
}

function stored(role: string, values: Float32Array, [rows, ...rest]: readonly number[]): Float32Array {
  if (rest.length === 0 || lookedUp.test(role)) return values;
  const columns = values.length / rows!;
  const turned = new Float32Array(values.length);
  for (let r = 0; r < rows!; r++) for (let c = 0; c < columns; c++) turned[r * columns + c] = values[c * rows! + r]!;
  return turned;
}

/** Rows put where their ids say in a larger table. */
function spread(table: Float32Array, ids: Int32Array, [rows, width]: readonly number[]): Float32Array {
  const whole = new Float32Array(rows! * width!);
  ids.forEach((id, row) => {
    whole.set(table.subarray(row * width!, (row + 1) * width!), id * width!);
  });
  return whole;
}
