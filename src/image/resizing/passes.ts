/**
 * The two passes of Pillow's 8-bit resampling, in its fixed-point arithmetic: weights are rounded to multiples of
 * 2^-22, a sum starts at one half, and the result is cut to an integer and clamped to 0..255. Sums stay below 2^31.
 */
import type { Steps } from '../../turns.js';
import type { Taps } from './filters.js';

const precisionBits = 22;
const half = 2 ** (precisionBits - 1);

/** Rounds weights to multiples of 2^-22, half away from zero, and returns them as those multiples. */
function fixedPoint<T extends Int32Array | Float64Array>(weights: Float64Array, into: T): T {
  for (let i = 0; i < weights.length; i++) {
    const scaled = weights[i]! * 2 ** precisionBits;
    into[i] = Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  }
  return into;
}

/**
 * One sweep over the columns of a row for every `every`-th output. The columns are cut into runs in which the same
 * outputs take part, at most four of them, so that each source sample is read once for all.
 */
interface Sweep {
  /** Position of the sweep's first output, and how many it makes. */
  readonly offset: number;
  readonly count: number;
  /** For each run: first column, end column, number of the first output that is still open (counted in the sweep). */
  readonly runs: Int32Array;
  /** For each column of each run, in order: the weights of the four outputs from that one on, 0 where not open. */
  readonly weights: Float64Array;
  /** No run has more than two open outputs. */
  readonly narrow: boolean;
}

interface SweepPlan {
  readonly sweeps: readonly Sweep[];
  readonly every: number;
}

/** The most outputs that a single column takes part in. */
function widestOverlap({ first, end }: Taps): number {
  let widest = 1;
  for (let i = 0, open = 0; i < first.length; i++) {
    while (end[open]! <= first[i]!) open++;
    widest = Math.max(widest, i - open + 1);
  }
  return widest;
}

/**
 * Where a column takes part in more than four outputs (enlarging, or a wide filter) the outputs are dealt out to several
 * sweeps, so that each has at most four open.
 */
function planSweeps(taps: Taps): SweepPlan {
  const fixed = fixedPoint(taps.weights, new Float64Array(taps.weights.length));
  const outputs = taps.first.length;
  const overlap = widestOverlap(taps);
  const every = Math.ceil(overlap / 4);
  const sweeps = Array.from({ length: every }, (_, offset): Sweep => {
    const count = Math.ceil((outputs - offset) / every);
    const runs: number[] = [];
    const weights: number[] = [];
    let open = 0;
    let next = 0;
    let column = 0;
    while (open < count) {
      column = Math.max(column, taps.first[offset + open * every]!);
      while (next < count && taps.first[offset + next * every]! <= column) next++;
      let end = taps.end[offset + open * every]!;
      if (next < count) end = Math.min(end, taps.first[offset + next * every]!);
      runs.push(column, end, open);
      for (; column < end; column++) {
        for (let number = open; number < open + 4; number++) {
          const output = offset + number * every;
          weights.push(number < next ? fixed[output * taps.stride + column - taps.first[output]!]! : 0);
        }
      }
      while (open < next && taps.end[offset + open * every]! <= column) open++;
    }
    return { offset, count, runs: Int32Array.from(runs), weights: Float64Array.from(weights), narrow: overlap <= 2 };
  });
  return { sweeps, every };
}

/**
 * Resamples rows. A lane is one sample of the pixels of one row; three lanes are swept together, and twelve sums are
 * held at once: three lanes times the four open outputs. Sums are doubles, which hold these integers exactly and
 * multiply faster than integers do.
 */
function sweepLanes(
  source: Uint8Array,
  target: Uint8ClampedArray,
  sweep: Sweep,
  samples: number,
  every: number,
  from: Int32Array,
  to: Int32Array,
): void {
  const { runs, weights, narrow, count } = sweep;
  const advance = every * samples;
  const start = from[0]!;
  const lane1 = from[1]! - start;
  const lane2 = from[2]! - start;
  let o0 = to[0]! + sweep.offset * samples;
  let o1 = to[1]! + sweep.offset * samples;
  let o2 = to[2]! + sweep.offset * samples;
  let a0 = half;
  let a1 = half;
  let a2 = half;
  let b0 = half;
  let b1 = half;
  let b2 = half;
  let c0 = half;
  let c1 = half;
  let c2 = half;
  let d0 = half;
  let d1 = half;
  let d2 = half;
  let k = 0;
  let output = 0;
  for (let run = 0; run <= runs.length; run += 3) {
    const open = run < runs.length ? runs[run + 2]! : count;
    for (; output < open; output++) {
      target[o0] = a0 >> precisionBits;
      target[o1] = a1 >> precisionBits;
      target[o2] = a2 >> precisionBits;
      o0 += advance;
      o1 += advance;
      o2 += advance;
      a0 = b0;
      a1 = b1;
      a2 = b2;
      b0 = c0;
      b1 = c1;
      b2 = c2;
      c0 = d0;
      c1 = d1;
      c2 = d2;
      d0 = half;
      d1 = half;
      d2 = half;
    }
    if (run === runs.length) return;
    const end = start + runs[run + 1]! * samples;
    let i = start + runs[run]! * samples;
    if (narrow) {
      for (; i < end; i += samples, k += 4) {
        const p0 = source[i]!;
        const p1 = source[i + lane1]!;
        const p2 = source[i + lane2]!;
        const wa = weights[k]!;
        const wb = weights[k + 1]!;
        a0 += p0 * wa;
        a1 += p1 * wa;
        a2 += p2 * wa;
        b0 += p0 * wb;
        b1 += p1 * wb;
        b2 += p2 * wb;
      }
      continue;
    }
    for (; i < end; i += samples, k += 4) {
      const p0 = source[i]!;
      const p1 = source[i + lane1]!;
      const p2 = source[i + lane2]!;
      const wa = weights[k]!;
      const wb = weights[k + 1]!;
      const wc = weights[k + 2]!;
      const wd = weights[k + 3]!;
      a0 += p0 * wa;
      a1 += p1 * wa;
      a2 += p2 * wa;
      b0 += p0 * wb;
      b1 += p1 * wb;
      b2 += p2 * wb;
      c0 += p0 * wc;
      c1 += p1 * wc;
      c2 += p2 * wc;
      d0 += p0 * wd;
      d1 += p1 * wd;
      d2 += p2 * wd;
    }
  }
}

/**
 * Resamples `rows` rows of pixels along their width; row `y` begins at `y * stride`.
 * @returns `[rows, outputs, samples]`
 */
export function* horizontalPass(
  source: Uint8Array,
  stride: number,
  rows: number,
  samples: number,
  taps: Taps,
): Steps<Uint8Array> {
  const outputs = taps.first.length;
  const target = new Uint8ClampedArray(rows * outputs * samples);
  const { sweeps, every } = planSweeps(taps);
  const from = new Int32Array(3);
  const to = new Int32Array(3);
  const lanes = rows * samples;
  for (let lane = 0; lane < lanes; lane += 3) {
    for (let j = 0; j < 3; j++) {
      const own = Math.min(lane + j, lanes - 1);
      const row = Math.floor(own / samples);
      from[j] = row * stride + (own % samples);
      to[j] = row * outputs * samples + (own % samples);
    }
    for (const sweep of sweeps) sweepLanes(source, target, sweep, samples, every, from, to);
    yield;
  }
  return new Uint8Array(target.buffer);
}

/**
 * Resamples down the columns; row `y` is the `length` values from `y * stride` on.
 * @returns `[outputs, length]`
 */
export function* verticalPass(source: Uint8Array, stride: number, length: number, taps: Taps): Steps<Uint8Array> {
  const target = new Uint8ClampedArray(taps.first.length * length);
  const weights = fixedPoint(taps.weights, new Int32Array(taps.weights.length));
  const sums = new Int32Array(length);
  for (let output = 0; output < taps.first.length; output++) {
    sumRows(source, stride, weights, taps, output, sums);
    const row = output * length;
    for (let x = 0; x < length; x++) target[row + x] = sums[x]! >> precisionBits;
    yield;
  }
  return new Uint8Array(target.buffer);
}

/** The sums of one output row, four source rows at a time. */
function sumRows(
  source: Uint8Array,
  stride: number,
  weights: Int32Array,
  taps: Taps,
  output: number,
  sums: Int32Array,
): void {
  sums.fill(half);
  const first = taps.first[output]!;
  const count = taps.end[output]! - first;
  const base = output * taps.stride;
  for (let tap = 0; tap < count; tap += 4) {
    // Past the last tap the same row is read again, with weight 0.
    const rest = count - tap;
    const w0 = weights[base + tap]!;
    const w1 = rest > 1 ? weights[base + tap + 1]! : 0;
    const w2 = rest > 2 ? weights[base + tap + 2]! : 0;
    const w3 = rest > 3 ? weights[base + tap + 3]! : 0;
    const r0 = (first + tap) * stride;
    const r1 = rest > 1 ? r0 + stride : r0;
    const r2 = rest > 2 ? r1 + stride : r0;
    const r3 = rest > 3 ? r2 + stride : r0;
    for (let x = 0; x < sums.length; x++) {
      const left = (Math.imul(source[r0 + x]!, w0) + Math.imul(source[r1 + x]!, w1)) | 0;
      const right = (Math.imul(source[r2 + x]!, w2) + Math.imul(source[r3 + x]!, w3)) | 0;
      sums[x] = (sums[x]! + left + right) | 0;
    }
  }
}
