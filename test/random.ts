import { uniform } from '../src/bench/random.js';

/** Whole numbers below a bound, the same on every run. */
export function randomBelow(seed: number): (bound: number) => number {
  const next = uniform(seed);
  return bound => Math.floor(next() * bound);
}
