/** The image tower's beginning: pixels to the tokens that enter its first block. */
import type { Grid } from '../attention/attention.js';
import { layerNorm } from '../tensor/ops/layerNorm.js';
import { linear } from '../tensor/ops/linear.js';
import {
  add,
  concat,
  type Norm,
  type Pixels,
  reshape,
  slice,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  type Tokens,
  tile,
  transpose,
} from '../tensor/tfjs.js';
import { gridOf, type ImageConfig } from './config.js';
import type { Points } from './points.js';
import { type PositionMode, stretchPositions } from './positions.js';

/** The weights of the image tower before its blocks. */
export interface EmbedWeights {
  /** Patch convolution as a matrix, `[3 * patch * patch, w]`, rows ordered channel, row, column. */
  readonly patch: Tensor2D;
  /** `[w]`; EVA-02 only. */
  readonly patchBias?: Tensor1D;
  readonly classToken: Tensor1D;
  /** `[1 + side*side, w]`, class token first. */
  readonly positions: Tensor2D;
  /** OpenAI's only. */
  readonly lnPre?: Norm;
}

interface EmbedRun {
  readonly config: ImageConfig;
  readonly weights: EmbedWeights;
  readonly points: Points;
}

/** Pixels to tokens, before any block: `[b, 3, height, width] -> [b, 1 + n, w]`. */
export function embed({ config, weights: w, points: { point } }: EmbedRun, pixels: Pixels, mode: PositionMode): Tokens {
  const [b, , height, width] = pixels.shape;
  const grid = gridOf(config, height, width);
  const map = { weight: w.patch, ...(w.patchBias && { bias: w.patchBias }) };
  const patches: Tokens = point('embed.patch', linear(patchRows(pixels, config.patch, grid), map)); // [b, n, w]
  const classToken = tile(reshape<Tensor3D>(w.classToken, [1, 1, config.width]), [b, 1, 1]);
  const positions = stretchPositions(w.positions, grid, mode); // [1 + n, w]
  const embedded = point('embed.pos', add<Tokens>(concat([classToken, patches], 1), positions));
  return w.lnPre ? point('ln_pre', layerNorm(embedded, w.lnPre, config.layerNormEpsilon)) : embedded;
}

/** The patches of an image as rows of a matrix: `[b, n, 3 * p * p]`; what is left over at right and bottom is cut. */
function patchRows(pixels: Pixels, p: number, { rows, columns }: Grid): Tensor3D {
  const [b, channels, height, width] = pixels.shape;
  const whole = rows * p === height && columns * p === width;
  const cut = whole ? pixels : slice(pixels, [0, 0, 0, 0], [b, channels, rows * p, columns * p]);
  // In two steps of four axes: tfjs-wasm moves six axes value by value.
  const strips = transpose(reshape<Tensor4D>(cut, [b, channels, rows, p * columns * p]), [0, 2, 1, 3]);
  const cells = transpose(reshape<Tensor4D>(strips, [b * rows, channels * p, columns, p]), [0, 2, 1, 3]);
  return reshape(cells, [b, rows * columns, channels * p * p]);
}
