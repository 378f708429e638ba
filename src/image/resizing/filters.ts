import { InputError } from '../../errors.js';

/** Pillow's resampling filters, by its names in lower case. */
export const resizeFilters = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'] as const;

/** One of Pillow's resampling filters. */
export type ResizeFilter = (typeof resizeFilters)[number];

/** Every filter but `nearest`, which has no weights. */
export type WeightedFilter = Exclude<ResizeFilter, 'nearest'>;

interface Kernel {
  /** The kernel is zero beyond this distance, in output pixels when shrinking and source pixels when enlarging. */
  readonly support: number;
  weight(x: number): number;
}

// Pillow writes the two constants of the Hamming window as 32-bit floats.
const hammingBase = Math.fround(0.54);
const hammingSwing = Math.fround(0.46);

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

// The order of operations is Pillow's: the weights are rounded to 22 bits, and a last-bit difference could show there.
const kernels: Readonly<Record<WeightedFilter, Kernel>> = {
  box: { support: 0.5, weight: x => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: x => Math.max(1 - Math.abs(x), 0) },
  hamming: {
    support: 1,
    weight: x => (Math.abs(x) < 1 ? sinc(Math.abs(x)) * (hammingBase + hammingSwing * Math.cos(x * Math.PI)) : 0),
  },
  // Keys' cubic convolution with a = -1/2.
  bicubic: {
    support: 2,
    weight: x => {
      const t = Math.abs(x);
      if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * -0.5 : 0;
    },
  },
  lanczos: { support: 3, weight: x => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** For a run of output positions along one axis: which source samples each takes, and how much of each. */
export interface Taps {
  /** First source sample of each output. */
  readonly first: Int32Array;
  /** One past the last source sample of each output. */
  readonly end: Int32Array;
  /** Weights of output `i` from `i * stride` on, adding up to 1. */
  readonly weights: Float64Array;
  readonly stride: number;
}

/** Bound on the weights of one axis; a side of four million pixels squeezed into a few hundred comes near it. */
const maxWeights = 2 ** 24;

/**
 * The taps of outputs `begin` to `end - 1` when `from` samples become `to`. With `scale = from / to` and
 * `wide = max(scale, 1)`, output `i` looks at the source samples within `support * wide` of `(i + 0.5) * scale`, each
 * weighted by `kernel(distance / wide)`; the weights are then divided by their sum (Pillow's `precompute_coeffs`).
 * @throws InputError when that takes more than 2^24 weights
 */
export function resizeTaps(from: number, to: number, filter: WeightedFilter, begin: number, end: number): Taps {
  const { support, weight } = kernels[filter];
  const scale = from / to;
  const wide = Math.max(scale, 1);
  const reach = support * wide;
  const inverse = 1 / wide;
  const stride = Math.ceil(reach) * 2 + 1;
  const count = end - begin;
  if (count * stride > maxWeights) {
    throw new InputError(`resize: a side of ${from} pixels is too long to become ${to}; cut the picture first`);
  }
  const taps = {
    first: new Int32Array(count),
    end: new Int32Array(count),
    weights: new Float64Array(count * stride),
    stride,
  };
  for (let i = 0; i < count; i++) {
    const centre = (begin + i + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const last = Math.min(Math.trunc(centre + reach + 0.5), from);
    let sum = 0;
    let k = i * stride;
    for (let x = first; x < last; x++) {
      const w = weight((x - centre + 0.5) * inverse);
      taps.weights[k++] = w;
      sum += w;
    }
    if (sum !== 0) for (k = i * stride; k < i * stride + last - first; k++) taps.weights[k]! /= sum;
    taps.first[i] = first;
    taps.end[i] = last;
  }
  return taps;
}
