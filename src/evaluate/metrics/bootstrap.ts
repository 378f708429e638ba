/**
 * How far a score may be chance in the choice of images: the bootstrap of Efron ("Bootstrap methods: another look at the
 * jackknife", 1979). Images are drawn anew from those there are, as many, with replacement, and scored again and again.
 */
import { InputError } from '../../errors.js';
import { nextBelow, randomStream } from '../../scenes/random.js';
import { meanOf, perClassOf, type Ratios } from './ratios.js';

/** How often images are drawn, with which random numbers, and which share of the scores an interval holds. */
export const bootstrapDefaults = { resamples: 1000, seed: 0, share: 0.95 } as const;

/** What may be other than the defaults. */
export interface BootstrapOptions {
  readonly resamples?: number;
  readonly seed?: number;
}

/** Bounds of a score. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The score of each resample. The draws depend on the seed and on the number of images alone, so that the scores of two
 * methods on the same images come in pairs: their differences are a bootstrap of the difference.
 * @throws InputError for `resamples` or `seed` that are no whole numbers from 1 and 0
 */
export function resampledScores(ratios: Ratios, options: BootstrapOptions = {}): Float64Array {
  const { resamples, seed } = { ...bootstrapDefaults, ...options };
  for (const [what, value, least] of [['resamples', resamples, 1] as const, ['seed', seed, 0] as const]) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new InputError(`bootstrap: expected ${what} as a whole number from ${least}, got ${value}`);
  }
  const images = ratios.starts.length - 1;
  const random = randomStream(seed);
  const times = new Uint32Array(images);
  return Float64Array.from({ length: resamples }, () => {
    times.fill(0);
    for (let draw = 0; draw < images; draw++) times[nextBelow(random, images)]!++;
    return meanOf(perClassOf(ratios, times));
  });
}

/**
 * The interval that holds a share of the scores, as much left out below as above, between neighbours by straight lines
 * (the percentile method). Scores that are no numbers, of draws with nothing to score, are left out.
 */
export function percentileInterval(scores: Float64Array, share: number = bootstrapDefaults.share): Interval {
  const sorted = scores.filter(score => !Number.isNaN(score)).sort();
  const at = (part: number): number => {
    const place = part * (sorted.length - 1);
    const [low, high] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
    return low + (high - low) * (place - Math.floor(place));
  };
  return { low: at((1 - share) / 2), high: at((1 + share) / 2) };
}
