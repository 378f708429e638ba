/**
 * Random numbers that are the same on every machine: xoshiro128** (Blackman & Vigna, "Scrambled linear pseudorandom
 * number generators", 2021). It needs 32-bit integer arithmetic alone, which JavaScript fixes to the bit; 128 bits of
 * state keep millions of streams apart; and it is fast enough to make the noise of every pixel.
 */

/** Four 32-bit words. */
export type RandomState = Int32Array;

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** A hash of one word whose every bit depends on all of its input (the finaliser of MurmurHash3). */
function mixed(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/**
 * Starts the stream of these numbers: whole, not negative, each below 2^53. Streams of other numbers have nothing to do
 * with it, so any of them is reached without those before.
 */
export function randomStream(...numbers: readonly number[]): RandomState {
  const state = Int32Array.of(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344);
  for (const number of numbers) {
    for (const word of [number >>> 0, Math.floor(number / 2 ** 32)]) {
      for (let lane = 0; lane < 4; lane++) state[lane] = mixed(state[lane]! ^ word) + 0x9e3779b9 * (lane + 1);
    }
  }
  if (state.every(word => word === 0)) state[0] = 1;
  return state;
}

/** The next 32 bits, as a number from 0 to 2^32 - 1. */
export function nextBits(state: RandomState): number {
  const s1 = state[1]!;
  const result = Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0;
  const s2 = state[2]! ^ state[0]!;
  const s3 = state[3]! ^ s1;
  state[1] = s1 ^ s2;
  state[0]! ^= s3;
  state[2] = s2 ^ (s1 << 9);
  state[3] = rotate(s3, 11);
  return result;
}

/** A number from 0 (included) to 1 (not), a multiple of 2^-32. */
export const nextFraction = (state: RandomState): number => nextBits(state) / 2 ** 32;

/** A whole number from 0 to `bound - 1`; `bound` is below 2^21, so that the product is exact. */
export const nextBelow = (state: RandomState, bound: number): number => Math.floor(nextFraction(state) * bound);

/** A whole number from `-reach` to `reach`. */
export const nextAround = (state: RandomState, reach: number): number => nextBelow(state, 2 * reach + 1) - reach;

/** A number from `least` to `most`. */
export const nextBetween = (state: RandomState, least: number, most: number): number =>
  least + (most - least) * nextFraction(state);

/** True with a probability. */
export const nextChance = (state: RandomState, probability: number): boolean => nextFraction(state) < probability;
