/** Random numbers that are the same everywhere: integer arithmetic and sums only, no function of the engine's own. */

/** Uniform in [0, 1) by Tommy Ettinger's mulberry32 (public domain). */
export function uniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Values of mean 0 and deviation 1, close to normal: the sum of four uniform ones. No logarithm or cosine, whose last
 * bit may differ between engines.
 */
export function fillNormal(into: Float32Array, seed: number): Float32Array {
  const next = uniform(seed);
  for (let i = 0; i < into.length; i++) into[i] = (next() + next() + next() + next() - 2) * Math.sqrt(3);
  return into;
}

export const normal = (count: number, seed: number): Float32Array => fillNormal(new Float32Array(count), seed);

/** A seed of its own for each name (FNV-1a). */
export function seedFor(name: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash;
}
