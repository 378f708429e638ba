/** Masks of an image brought to the grid of its patches. */
import { InputError } from '../errors.js';
import { roundHalfEven } from '../image/resizing/rounding.js';
import { type ResizeMode, resizeWeights } from '../tensor/ops/resize.js';

export interface MaskToGridOptions {
  /**
   * Widen the kernel when shrinking. Without (default) as CLIPSelf's figures were measured, with the torchvision of
   * their time (before 0.17): a thin mask can fall between the patches and come out empty. With it none is lost, and
   * masks grow at their edges.
   */
  readonly antialias?: boolean;
}

/**
 * The patches that a mask touches: its longest side resized to `side` bicubically as PyTorch's `interpolate` does it,
 * every value over 0 taken, in the left top corner of a square grid (the patches of `padSquare`'s picture).
 *
 * @param mask `[height * width]`, 0 outside.
 * @returns `[side * side]` of 0 and 1.
 * @throws InputError when the sizes are no positive whole numbers or not those of the mask.
 */
export function maskToGrid(
  mask: Uint8Array,
  width: number,
  height: number,
  side: number,
  { antialias = false }: MaskToGridOptions = {},
): Uint8Array {
  if (![width, height, side].every(size => Number.isInteger(size) && size > 0) || mask.length !== width * height) {
    throw new InputError(
      `maskToGrid: expected a mask of width x height and a whole side, got ${mask.length} values for ${width} x ${height} and a side of ${side}`,
    );
  }
  const scale = side / Math.max(width, height);
  const [columns, rows] = [width, height].map(length => Math.max(1, roundHalfEven(length * scale))) as [number, number];
  const mode: ResizeMode = { kernel: 'bicubic', antialias };
  const across = tapsOf(resizeWeights(width, columns, mode), columns);
  const down = tapsOf(resizeWeights(height, rows, mode), rows);

  const wide = new Float64Array(height * columns);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      const { first, weights } = across[x]!;
      let sum = 0;
      for (let i = 0; i < weights.length; i++) if (mask[y * width + first + i]! !== 0) sum += weights[i]!;
      wide[y * columns + x] = sum;
    }
  }
  const out = new Uint8Array(side * side);
  for (let y = 0; y < rows; y++) {
    const { first, weights } = down[y]!;
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * wide[(first + i) * columns + x]!;
      out[y * side + x] = sum > 0 ? 1 : 0;
    }
  }
  return out;
}

/** The weights of each output without the zeros around them. */
function tapsOf(matrix: Float32Array, outputs: number): { first: number; weights: Float32Array }[] {
  const inputs = matrix.length / outputs;
  return Array.from({ length: outputs }, (_, o) => {
    const row = matrix.subarray(o * inputs, (o + 1) * inputs);
    const first = row.findIndex(weight => weight !== 0);
    return { first, weights: row.subarray(first, row.findLastIndex(weight => weight !== 0) + 1) };
  });
}
