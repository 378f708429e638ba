/** What a map says of single classes: cosines with them, those of a class being its best name's. */
import type { Segmentation } from '../../../segment/segmenter.js';
import type { Cell } from './places.js';

/** Cosines with one class everywhere, `[height, width]`. */
export interface ClassHeat {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** @param logits of every name, `[names, height, width]` */
export function cosinesOf({ width, height, vocabulary }: Segmentation, logits: Float32Array, label: number): ClassHeat {
  const size = width * height;
  const values = new Float32Array(size).fill(-1);
  vocabulary.classOfQuery.forEach((owner, query) => {
    if (owner !== label) return;
    for (let i = 0; i < size; i++) values[i] = Math.max(values[i]!, logits[query * size + i]!);
  });
  return { width, height, values };
}

/** Every class's cosine at the pixel in the middle of a cell. */
export function cosinesAt(
  { width, height, vocabulary }: Segmentation,
  logits: Float32Array,
  { row, column }: Cell,
  working: { readonly width: number; readonly height: number },
  patch: number,
): number[] {
  const pixel = (index: number, side: number, from: number) =>
    Math.min(side - 1, Math.floor(((index + 0.5) * patch * side) / from));
  const at = pixel(row, height, working.height) * width + pixel(column, width, working.width);
  const best = vocabulary.classes.map(() => -1);
  vocabulary.classOfQuery.forEach((label, query) => {
    best[label] = Math.max(best[label]!, logits[query * width * height + at]!);
  });
  return best;
}
