/** What every benchmark is given, and how it has candidates measured. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeModel } from '../checkpoint/loadClip.js';
import { InputError } from '../errors.js';
import type { ImageConfig } from '../model/config.js';
import { type Candidate, interleave, type Timing } from './interleave.js';
import { type Absent, fresh, type Lane, type Runner, steady } from './lane.js';
import type { Peers } from './peers.js';
import { normal } from './random.js';
import { type Row, timed, usualDifference } from './report.js';
import { medianRatio, relativeDifference } from './statistics.js';
import type { Given } from './tasks/index.js';

export interface Bench {
  readonly model: string;
  /** The folder of its files, for peers. */
  readonly modelFolder: string;
  readonly image: ImageConfig;
  readonly embedding: number;
  readonly threads: number;
  readonly rounds: number;
  /** For what candidates read and write; gone when the bench is closed. */
  readonly folder: string;
  /** A file of float32 pixels for eight images. */
  readonly input: string;
  readonly peers?: Peers;
  /** Versions of what was measured, by name. */
  readonly about: Record<string, string>;
  wants(row: string): boolean;
  add(row: Row): void;
  close(): void;
}

export interface BenchOptions extends Pick<Bench, 'model' | 'threads' | 'rounds' | 'wants' | 'add' | 'peers'> {}

/** What ends a benchmark early. */
const signals = ['SIGINT', 'SIGTERM'] as const;

/** Images of the largest batch that is measured. */
export const mostImages = 8;

/** @throws InputError when the model has no image tower. */
export function openBench(options: BenchOptions): Bench {
  const { config, files } = describeModel(options.model);
  if (!config.image) throw new InputError(`bench: expected a model with an image tower, '${options.model}' has none`);
  const { imageSize: side } = config.image;
  const folder = mkdtempSync(join(tmpdir(), 'clipscope-bench-run-'));
  const input = join(folder, 'pixels');
  writeFileSync(input, normal(mostImages * 3 * side * side, 7));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const stop = (signal: NodeJS.Signals) => {
    close();
    process.kill(process.pid, signal);
  };
  const close = () => {
    for (const signal of signals) process.off(signal, stop);
    remove();
  };
  for (const signal of signals) process.once(signal, stop);
  const modelFolder = resolve(files.folder);
  return {
    ...options,
    modelFolder,
    image: config.image,
    embedding: config.embedding,
    folder,
    input,
    about: {},
    close,
  };
}

const child = fileURLToPath(new URL('./child.js', import.meta.url));

/** A candidate of ours. */
export const ours = (given: Given): Lane => ({
  program: process.execPath,
  words: [...process.execArgv, child],
  given,
});

/** A peer as a candidate; without peers, the reason. */
export const against = (bench: Bench, lane: (peers: Peers) => Lane): Lane | Absent =>
  bench.peers ? lane(bench.peers) : { reason: 'without --peers' };

/** Measures candidates in turns, each in a process of its own. @throws Error when one of ours fails. */
export async function race<Name extends string>(
  bench: Bench,
  lanes: Readonly<Record<Name, Lane | Absent>>,
): Promise<Record<Name, Timing | Absent>> {
  return measured(bench, lanes, (lane, name) => steady(lane, join(bench.folder, `output-${name}`)));
}

/** Measures candidates in turns, each in a new process for every run; with largest resident sizes in bytes. */
export async function raceFresh<Name extends string>(
  bench: Bench,
  lanes: Readonly<Record<Name, Lane | Absent>>,
): Promise<{ timings: Record<Name, Timing | Absent>; peaks: Record<Name, number[]> }> {
  const peaks = Object.fromEntries(Object.keys(lanes).map(name => [name, []])) as unknown as Record<Name, number[]>;
  const timings = await measured(bench, lanes, (lane, name) =>
    fresh(lane, join(bench.folder, `output-${name}`), peaks[name]),
  );
  return { timings, peaks };
}

async function measured<Name extends string>(
  { rounds, about }: Bench,
  lanes: Readonly<Record<Name, Lane | Absent>>,
  run: (lane: Lane, name: Name) => Promise<Runner>,
): Promise<Record<Name, Timing | Absent>> {
  const runners: Runner[] = [];
  const candidates: Record<string, Candidate> = {};
  const absent: Record<string, Absent> = {};
  try {
    for (const [name, lane] of Object.entries<Lane | Absent>(lanes)) {
      const runner = isAbsent(lane) ? lane : await orAbsent(lane, run(lane, name as Name));
      if (isAbsent(runner)) {
        absent[name] = runner;
        continue;
      }
      runners.push(runner);
      candidates[name] = runner.candidate;
      Object.assign(about, runner.about);
    }
    return { ...(await interleave(candidates, rounds)), ...absent } as Record<Name, Timing | Absent>;
  } finally {
    for (const runner of runners) await runner.end();
  }
}

const orAbsent = ({ optional = false }: Lane, runner: Promise<Runner>): Promise<Runner | Absent> =>
  runner.catch((error: Error) => {
    if (optional) return { reason: error.message };
    throw error;
  });

export const isAbsent = (value: object): value is Absent => 'reason' in value;

/** What a row says beside its figures. */
export interface Terms {
  readonly peer: string;
  readonly asked?: number;
  /** How far outputs may differ, in parts of the largest value. */
  readonly allowed?: number;
}

/** Ours against a peer, or alone with the reason where there is none or it gives something else. */
export function versus(
  name: string,
  mine: Timing,
  theirs: Timing | Absent,
  { allowed = usualDifference, ...terms }: Terms,
): Row {
  const row = { ...timed(name, mine), ...terms };
  if (isAbsent(theirs)) return { ...row, skipped: theirs.reason };
  const difference = relativeDifference(mine.output, theirs.output);
  if (!(difference <= allowed)) return { ...row, difference, skipped: 'the outputs are not the same' };
  return { ...row, ratio: medianRatio(mine.cpu, theirs.cpu), difference };
}
