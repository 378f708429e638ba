import type { Grid } from '../attention/attention.js';
import { InputError, suggestion } from '../errors.js';
import { type ResizeMode, resize } from '../tensor/ops/resize.js';
import { concat, reshape, slice, type Tensor2D, type Tensor3D } from '../tensor/tfjs.js';

/**
 * How stored positions meet another grid. Always the class token's row stays and the patch rows are resampled:
 *
 * - `stretch`: bicubic by the factor `(n + 0.1) / stored`, used as given (DINO's rule; SCLIP, ClearCLIP, NACLIP);
 * - `exact`: bicubic to the exact size (Hugging Face, MaskCLIP);
 * - `antialias`: the same with Pillow's antialiasing (OpenCLIP, GEM);
 * - `bilinear`: bilinear to the exact size (CLIP Surgery).
 *
 * `stretch` and `antialias` compare the number of patches only, as the published code does: a 2 x 8 grid takes the
 * positions of a 4 x 4 one unchanged. The other two compare both sides.
 */
export const positionModes = ['stretch', 'exact', 'antialias', 'bilinear'] as const;
export type PositionMode = (typeof positionModes)[number];

/** The mode of that name. @throws InputError naming the nearest when there is none. */
export function parsePositionMode(name: string): PositionMode {
  const found = positionModes.find(known => known === name);
  if (found) return found;
  throw new InputError(`unknown positions mode '${name}'${suggestion(name, positionModes)}`);
}

/** Stored positions `[1 + s*s, w]` brought to a grid: `[1 + rows*columns, w]`. */
export function stretchPositions(stored: Tensor2D, { rows, columns }: Grid, mode: PositionMode): Tensor2D {
  const [tokens, width] = stored.shape;
  const side = Math.round(Math.sqrt(tokens - 1));
  const byCount = mode === 'stretch' || mode === 'antialias';
  if (byCount ? rows * columns === side * side : rows === side && columns === side) return stored;
  const patches = reshape<Tensor3D>(slice(stored, [1, 0]), [side, side, width]);
  const resized = resize(patches, rows, columns, resizeModes[mode]({ rows, columns }, side));
  return concat([slice(stored, [0, 0], [1, width]), reshape<Tensor2D>(resized, [rows * columns, width])]);
}

const resizeModes: Record<PositionMode, (grid: Grid, side: number) => ResizeMode> = {
  stretch: ({ rows, columns }, side) => ({ kernel: 'bicubic', scale: [(rows + 0.1) / side, (columns + 0.1) / side] }),
  exact: () => ({ kernel: 'bicubic' }),
  antialias: () => ({ kernel: 'bicubic', antialias: true }),
  bilinear: () => ({ kernel: 'bilinear' }),
};
