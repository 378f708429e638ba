/** The run of the published code that the goldens record: image 0 with six proposals, image 1 cut into 3 x 2 cells. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type OpenModel, openModel } from '../../../src/checkpoint/loadClip.js';
import { clipPreprocess } from '../../../src/image/preprocessSpec.js';
import { fillPlanes, valueTables } from '../../../src/image/resizing/planes.js';
import { boxWeights } from '../../../src/regions/weights.js';
import type { Values } from '../../../src/tensor/compile.js';
import { findGolden, readGolden } from '../../goldens.js';

export const crops = readGolden(findGolden('clipself/crops.safetensors')!);

interface TensorNote {
  readonly gradient_sum?: number;
  readonly gradient_abs_sum?: number;
  readonly gradient_max_abs?: number;
}

/** A tensor in short. */
interface Check {
  readonly sum: number;
  readonly abs_sum: number;
  readonly first4: readonly number[];
}

export interface Training {
  readonly 'loss at start': number;
  readonly lr_and_loss_per_step: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  readonly tensors: Readonly<Record<string, TensorNote>>;
  readonly alpha_average: Readonly<Record<'0.7' | '0.5', Readonly<Record<string, Check>>>>;
}

export const training: Training = JSON.parse(readFileSync(findGolden('clipself/training.json')!, 'utf8'));

/** The model that the run began with, under OpenAI's names. */
export const tinyModel = (): OpenModel =>
  openModel(resolve(findGolden('clip-tiny/weights/open_clip-v512/open_clip_model.safetensors')!));

/** Settings of the run's optimiser. */
export const settings = { beta1: 0.9, beta2: 0.98, epsilon: 1e-6, decay: 0.1 };

const [batch, size, cropSize, regions] = [2, 128, 64, 12];

/** Its batch: pixels, crops, weights of patches. */
export function goldenBatch(): [Values, Values, Values] {
  const { rescale, mean, std } = clipPreprocess(cropSize);
  const tables = valueTables(rescale, mean, std);
  const planes = (names: readonly string[], side: number): Float32Array => {
    const pictures = names.flatMap(name => {
      const { data } = crops[name]!;
      const length = 3 * side * side;
      return Array.from({ length: data.length / length }, (_, i) => data.slice(i * length, (i + 1) * length));
    });
    const out = new Float32Array(pictures.length * 3 * side * side);
    pictures.forEach((picture, i) => {
      fillPlanes(picture as Uint8Array, tables, out.subarray(i * 3 * side * side, (i + 1) * 3 * side * side));
    });
    return out;
  };
  const grid = { rows: 8, columns: 8 };
  const weights = new Float32Array(regions * batch * 64);
  ['image0.proposal', 'image1.grid3x2'].forEach((name, image) => {
    const boxes = crops[`${name}.boxes_normalised`]!.data as Float32Array;
    for (let i = 0; i < 6; i++) {
      const [left, top, right, bottom] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [
        number,
        number,
        number,
        number,
      ];
      const row = (6 * image + i) * batch * 64 + 64 * image;
      boxWeights({ left, top, right, bottom }, grid, weights.subarray(row, row + 64));
    }
  });
  const shapes = {
    pixels: [batch, 3, size, size],
    crops: [regions, 3, cropSize, cropSize],
    weights: [regions, batch * 64],
  };
  return [
    { data: planes(['image0.student128', 'image1.student128'], size), shape: shapes.pixels },
    { data: planes(['image0.proposal.crops', 'image1.grid3x2.crops'], cropSize), shape: shapes.crops },
    { data: weights, shape: shapes.weights },
  ];
}

/** Every fourth row of a tensor with so many. */
export function fourthRows(values: Float32Array, rows: number): Float32Array {
  const width = values.length / rows;
  const out = new Float32Array(Math.ceil(rows / 4) * width);
  for (let row = 0; row < rows; row += 4) out.set(values.subarray(row * width, (row + 1) * width), (row / 4) * width);
  return out;
}
