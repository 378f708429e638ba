/** Candidates measured round by round, so that what else the machine does falls on all of them alike. */
import { cpuNow, median, type Row } from './report.js';

/** What is measured: does the work and gives values that prove it. */
export type Candidate = () => Float32Array | Promise<Float32Array>;

export interface Timing {
  /** Processor milliseconds, one a round. */
  cpu: number[];
  /** Milliseconds by the clock, one a round. */
  wall: number[];
  /** What the last round gave. */
  output: Float32Array;
}

/**
 * Runs every candidate once to warm up, then once a round, each round beginning with the next one, so that none always
 * follows the same other.
 */
export async function interleave<Name extends string>(
  candidates: Readonly<Record<Name, Candidate>>,
  rounds: number,
): Promise<Record<Name, Timing>> {
  const names = Object.keys(candidates) as Name[];
  const timings = names.map((): Timing => ({ cpu: [], wall: [], output: new Float32Array(0) }));
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const at = (round + 1 + turn) % names.length;
      const timing = timings[at]!;
      const wall = performance.now();
      const cpu = cpuNow();
      timing.output = await candidates[names[at]!]();
      if (round < 0) continue;
      timing.cpu.push(cpuNow() - cpu);
      timing.wall.push(performance.now() - wall);
    }
  }
  return Object.fromEntries(names.map((name, i) => [name, timings[i]!])) as Record<Name, Timing>;
}

/** One candidate alone, in processor time. */
export const timed = (name: string, { cpu, wall }: Timing): Row => ({
  name,
  median: median(cpu),
  min: Math.min(...cpu),
  note: `${Math.min(...wall).toFixed(1)} ms by the clock`,
});

/** What outputs of one benchmark may differ by: they are sums in another order, not other sums. */
const allowedDifference = 1e-4;

/**
 * `ours` held against `peer`: the ratio is the median of the rounds' own ratios.
 * @throws Error when the two did not compute the same.
 */
export function against(name: string, ours: Timing, peer: Timing): Row & { ratio: number } {
  const difference = relativeDifference(ours.output, peer.output);
  if (difference > allowedDifference) throw new Error(`${name}: outputs differ by ${difference} of the largest value`);
  const ratio = median(ours.cpu.map((time, round) => time / peer.cpu[round]!));
  return { ...timed(name, ours), ratio, difference };
}

/** The largest |a - b| over the largest |b|; infinite when lengths differ or a value is not a number. */
export function relativeDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(b[i]!));
  }
  return worst === 0 ? 0 : worst / largest;
}
