/** Tokens far longer than the others. */
import { medianOf } from './averages.js';

/** How far a norm must stand out. */
export interface OutlierRule {
  /** Modified z-score: 0.6745 (norm - median) / MAD, the median absolute deviation. */
  readonly score: number;
  /** Norm over the median. */
  readonly factor: number;
}

/**
 * Both conditions must hold. 3.5 is what Iglewicz and Hoaglin (1993, "How to Detect and Handle Outliers") label an outlier
 * from; where all norms are nearly the same, that is soon reached by what nobody would call one. Darcet et al. (2024,
 * "Vision Transformers Need Registers") draw a line by eye in the histogram, at about three times the usual norm; twice
 * the median is the more careful form of it that needs no eye.
 */
export const outlierRule: OutlierRule = { score: 3.5, factor: 2 };

/** Places of the norms that stand out upwards, rising. */
export function outlierPlaces(norms: ArrayLike<number>, { score, factor }: OutlierRule = outlierRule): number[] {
  const median = medianOf(norms);
  const deviation = medianOf(Array.from(norms, norm => Math.abs(norm - median)));
  return Array.from(norms, (norm, place) => {
    const stands = 0.6745 * (norm - median) > score * deviation && norm > factor * median;
    return stands ? place : -1;
  }).filter(place => place >= 0);
}
