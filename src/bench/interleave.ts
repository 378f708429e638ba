/** Candidates measured round by round, so that what else the machine does falls on all of them alike. */
import { cpuNow } from './machine.js';

/** One run of a candidate. */
export interface Sample {
  /** Processor milliseconds, all threads. */
  readonly cpu: number;
  /** Milliseconds by the clock. */
  readonly wall: number;
  /** What proves that the work was done; given when it was asked for. */
  readonly output?: Float32Array;
  /** Bytes of the largest resident size so far, where it ran in a process of its own. */
  readonly peak?: number;
}

/** Does the work once and says what it took. */
export type Candidate = (wantsOutput: boolean) => Promise<Sample>;

export interface Timing {
  /** Processor milliseconds, one a round. */
  readonly cpu: readonly number[];
  /** Milliseconds by the clock, one a round. */
  readonly wall: readonly number[];
  /** What the last round gave. */
  readonly output: Float32Array;
  /** Bytes of the largest resident size, where they are known. */
  readonly peak?: number;
}

/** Runs every candidate once a round, each round beginning with the next one, so that none always follows the same other. */
export async function interleave<Name extends string>(
  candidates: Readonly<Record<Name, Candidate>>,
  rounds: number,
): Promise<Record<Name, Timing>> {
  const names = Object.keys(candidates) as Name[];
  const samples = names.map((): Sample[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const at = (round + turn) % names.length;
      samples[at]!.push(await candidates[names[at]!](round === rounds - 1));
    }
  }
  return Object.fromEntries(names.map((name, i) => [name, timingOf(samples[i]!)])) as Record<Name, Timing>;
}

const timingOf = (samples: readonly Sample[]): Timing => ({
  cpu: samples.map(({ cpu }) => cpu),
  wall: samples.map(({ wall }) => wall),
  output: samples.at(-1)?.output ?? new Float32Array(0),
  ...(samples.at(-1)?.peak !== undefined && { peak: Math.max(...samples.map(({ peak }) => peak ?? 0)) }),
});

/** A candidate that works in this process, once warmed up. */
export async function inProcess(work: () => Float32Array | Promise<Float32Array>): Promise<Candidate> {
  await work();
  return async () => {
    const wall = performance.now();
    const cpu = cpuNow();
    const output = await work();
    return { cpu: cpuNow() - cpu, wall: performance.now() - wall, output };
  };
}
