/**
 * A candidate in a process of its own: what it spends is its own processor time, and one in Python looks like one in
 * Node. The process takes what it is given as JSON in its first argument, gets ready, and writes `{"about": {…}}`; then
 * for each line `{"output": FILE or null}` it does the work once and answers `{"cpu", "wall", "total", "peak"}`:
 * milliseconds of this run, processor milliseconds since it started, and bytes of its largest resident size. The
 * result goes to FILE as float32. Instead of any answer it may write `{"error": MESSAGE}` and end, with
 * `"input": true` when the fault is the user's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { InputError } from '../errors.js';
import type { Candidate, Sample } from './interleave.js';

/** How to start a process that speaks so. */
export interface Lane {
  readonly program: string;
  readonly words: readonly string[];
  readonly given: object;
  readonly environment?: Readonly<Record<string, string>>;
  /** It is no error when this one does not start: a peer that is not installed. */
  readonly optional?: boolean;
}

/** In place of a candidate that could not be had. */
export interface Absent {
  readonly reason: string;
}

/** What a process says of one run. */
interface Answer {
  readonly cpu: number;
  readonly wall: number;
  readonly total: number;
  readonly peak: number;
}

interface Running {
  /** Versions, by name. */
  readonly about: Readonly<Record<string, string>>;
  run(output: string | null): Promise<Answer>;
  end(): Promise<void>;
}

/** @throws Error with what the process says, or said last, when it ends instead of getting ready. */
async function start({ program, words, given, environment = {} }: Lane): Promise<Running> {
  const child: ChildProcess = spawn(program, [...words, JSON.stringify(given)], {
    env: { ...process.env, ...environment },
    stdio: 'pipe',
  });
  let trouble = '';
  child.stderr!.on('data', chunk => {
    trouble = (trouble + chunk).slice(-4000);
  });
  // Writing to a process that has ended is told by its end.
  child.stdin!.on('error', () => {});
  const ended = new Promise<{ value?: undefined }>(resolve => {
    child.on('error', error => {
      trouble += error.message;
      resolve({});
    });
    child.on('close', () => resolve({}));
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = async <T>(): Promise<T> => {
    for (;;) {
      const { value: line } = await Promise.race([lines.next(), ended]);
      if (line === undefined) {
        await ended;
        throw new Error(lastLine(trouble) || `${program} ended without a word`);
      }
      // Libraries may talk on their own.
      if (!line.startsWith('{"')) continue;
      const answer = JSON.parse(line) as T & { error?: string; input?: boolean };
      if (answer.error === undefined) return answer;
      child.stdin!.end();
      throw answer.input ? new InputError(answer.error) : new Error(answer.error);
    }
  };
  const { about } = await next<Pick<Running, 'about'>>();
  return {
    about,
    async run(output) {
      child.stdin!.write(`${JSON.stringify({ output })}\n`);
      return next<Answer>();
    },
    async end() {
      child.stdin!.end();
      await ended;
    },
  };
}

/** What a process said last. */
export const lastLine = (text: string): string => text.trim().split('\n').at(-1)!;

/** A candidate that is running, warmed up, and must be ended. */
export interface Runner {
  readonly about: Readonly<Record<string, string>>;
  readonly candidate: Candidate;
  end(): Promise<void>;
}

/** A process that stays, measured run by run; `file` is where it may put its output. */
export async function steady(lane: Lane, file: string): Promise<Runner> {
  const running = await start(lane);
  const candidate: Candidate = async wantsOutput => {
    const { cpu, wall, peak } = await running.run(wantsOutput ? file : null);
    return { cpu, wall, peak, ...(wantsOutput && { output: takeOutput(file) }) };
  };
  await candidate(false);
  return { about: running.about, candidate, end: running.end };
}

/** A new process for each run, measured from its start; `peaks` gathers largest resident sizes in bytes, run by run. */
export async function fresh(lane: Lane, file: string, peaks: number[]): Promise<Runner> {
  let about = {};
  const once = async (): Promise<Sample & { peak: number }> => {
    const began = performance.now();
    const running = await start(lane);
    const { total, peak } = await running.run(file);
    const wall = performance.now() - began;
    ({ about } = running);
    await running.end();
    return { cpu: total, wall, peak, output: takeOutput(file) };
  };
  await once();
  const candidate: Candidate = async () => {
    const { peak, ...sample } = await once();
    peaks.push(peak);
    return sample;
  };
  return { about, candidate, end: async () => {} };
}

function takeOutput(file: string): Float32Array {
  const bytes = readFileSync(file);
  rmSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
