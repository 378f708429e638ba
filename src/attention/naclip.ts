import { InputError } from '../errors.js';
import {
  add,
  type Heads,
  mean,
  mul,
  type Pattern,
  pad,
  sqrt,
  square,
  sum,
  type Tensor,
  type Tensor2D,
  tensor2d,
  tile,
} from '../tensor/tfjs.js';
import type { Attention, Grid } from './attention.js';
import { mix, scores, softmax } from './parts.js';

export interface NaclipOptions {
  /** Standard deviation of the Gaussian, in patches. */
  sigma?: number;
  /** `none` leaves the keys out: attention by nearness alone, with scores as large as an average q-k pair's. */
  similarity?: 'kk' | 'none';
}

/**
 * `omega[(i,j),(m,n)] = exp(-((i-m)^2 + (j-n)^2) / (2 sigma^2))` over patches, 0 in the class token's row and column:
 * `[1 + rows*columns, 1 + rows*columns]`.
 */
export function gaussianNeighbourhood({ rows, columns }: Grid, sigma: number): Tensor2D {
  const n = rows * columns;
  const near = new Float32Array(n * n);
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) {
      const dy = Math.floor(a / columns) - Math.floor(b / columns);
      const dx = (a % columns) - (b % columns);
      near[a * n + b] = Math.exp(-(dy * dy + dx * dx) / (2 * sigma * sigma));
    }
  }
  return pad(tensor2d(near, [n, n]), [
    [1, 0],
    [1, 0],
  ]);
}

/**
 * `softmax(k k^T / sqrt d + omega) v`: keys among themselves, drawn towards the neighbourhood (NACLIP, Hajimiri et al.,
 * WACV 2025). Published with sigma 5, no residual and no FFN.
 *
 * @throws InputError when sigma is not positive, or the tower has no patch grid.
 */
export function naclip({ sigma = 5, similarity = 'kk' }: NaclipOptions = {}): Attention {
  if (!(sigma > 0)) throw new InputError(`naclip: expected sigma > 0 patches, got ${sigma}`);
  return ({ q, k, v, scale, grid, mask, point }) => {
    if (!grid) throw new InputError('naclip: expected an image tower with a patch grid; the text tower has none');
    const omega = gaussianNeighbourhood(grid, sigma); // [n, n]
    const s: Tensor =
      similarity === 'kk'
        ? add(scores(k, k, scale), omega) // [b, h, n, n]
        : tile(mul(omega, meanPairLength(q, k, scale)), [1, k.shape[1], 1, 1]);
    const masked = (mask ? add(s, mask) : s) as Pattern;
    return mix(point('pattern', softmax(point('scores', masked))), v);
  };
}

/** The mean of `|q_i| |k_j| / sqrt d` over all pairs of tokens and all heads, one number an image: `[b, 1, 1, 1]`. */
function meanPairLength(q: Heads, k: Heads, scale: number): Tensor {
  const meanLength = (x: Heads) => mean(sqrt(sum(square(x), -1, true)), 2, true); // [b, h, 1, 1]
  return mul(mean(mul(meanLength(q), meanLength(k)), 1, true), scale);
}
