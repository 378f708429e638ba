/** What every benchmark here prints: the machine, its load, versions, then one row a measurement. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { type EngineName, parseEngine, startEngine } from '../src/tensor/engine.js';

/** One measurement. Times are milliseconds of processor time unless `note` says otherwise. */
export interface Row {
  readonly name: string;
  readonly median?: number;
  readonly min?: number;
  /** Ours over what it is held against; below 1 is better. */
  readonly ratio?: number;
  /** The ratio that is asked for at most. */
  readonly asked?: number;
  /** Largest difference of the two outputs, over the largest value. */
  readonly difference?: number;
  /** Speed in words, such as `31.2 GFLOP/s`. */
  readonly rate?: string;
  readonly note?: string;
}

export interface Report {
  /** Whether `--filter` lets a row of this name through; ask before measuring. */
  wants(name: string): boolean;
  add(row: Row): void;
  /** Prints what only the end knows; with `--json` everything, as one object. */
  finish(): void;
}

export interface BenchOptions {
  readonly json: boolean;
  /** Only rows whose name contains this. */
  readonly filter: string;
  readonly engine: EngineName;
  readonly rounds: number;
  /** What else a benchmark takes, by flag. */
  readonly own: Readonly<Record<string, string | undefined>>;
}

/** Reads `--json`, `--filter TEXT`, `--engine NAME`, `--rounds N` and a benchmark's own flags, each with a value. */
export function benchOptions(defaults: { rounds: number }, own: readonly string[] = []): BenchOptions {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      filter: { type: 'string', default: '' },
      engine: { type: 'string', default: 'wasm' },
      rounds: { type: 'string', default: String(defaults.rounds) },
      ...Object.fromEntries(own.map(flag => [flag, { type: 'string' as const }])),
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`--rounds: expected a whole number from 1 up, got ${values.rounds}`);
  }
  const flags: Record<string, unknown> = values;
  return {
    json: values.json,
    filter: values.filter,
    engine: parseEngine(values.engine),
    rounds,
    own: Object.fromEntries(own.map(flag => [flag, flags[flag] as string | undefined])),
  };
}

/** Starts the engine, prints the machine, and gives the report that rows go to. */
export async function openReport(title: string, options: BenchOptions): Promise<Report> {
  const { json, filter } = options;
  const { backend, version, threads } = await startEngine(options.engine);
  const engine = `${options.engine} (tfjs ${version}, backend ${backend}, threads ${threads ?? 'unknown'})`;
  const machine = { ...describeMachine(), engine, loadAtStart: loadavg()[0]! };
  const rows: Row[] = [];
  if (!json) {
    console.log(`# ${title}`);
    for (const [key, value] of Object.entries(machine)) console.log(`${key.padEnd(12)} ${value}`);
    warnOfLoad('start', machine.loadAtStart);
    console.log(line(headings));
  }
  const started = { wall: performance.now(), cpu: cpuNow() };
  return {
    wants: name => name.includes(filter),
    add(row) {
      rows.push(row);
      if (!json) console.log(line(cells(row)));
    },
    finish() {
      const loadAtEnd = loadavg()[0]!;
      if (json) {
        console.log(JSON.stringify({ title, ...machine, loadAtEnd, rows }));
        return;
      }
      const share = (cpuNow() - started.cpu) / (performance.now() - started.wall);
      console.log(`load at end  ${loadAtEnd.toFixed(2)}, about ${share.toFixed(2)} of it our own`);
      warnOfLoad('end', loadAtEnd - share);
    },
  };
}

/** Processor time of this process so far, all threads, in milliseconds. */
export function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const packages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm', 'tinybench', 'typescript'];

/** The machine and the software, as far as they can be told. */
export function describeMachine(): Record<string, string> {
  return {
    CPU: `${cpus()[0]?.model.trim() ?? 'unknown'} x ${cpus().length}, ${flagsOfInterest()}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    node: `${process.version} (V8 ${process.versions.v8}), ${process.platform} ${process.arch}`,
    packages: packages.map(name => `${name} ${packageVersion(name)}`).join(', '),
    commit: commit(),
  };
}

function flagsOfInterest(): string {
  const wanted = ['avx2', 'fma', 'avx512f', 'avx512_vnni', 'amx_tile', 'asimd'];
  try {
    const found = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
    return wanted.filter(flag => found.includes(flag)).join(' ');
  } catch {
    return 'flags unknown';
  }
}

function packageVersion(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function commit(): string {
  const git = (...words: string[]) => execFileSync('git', words, { encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'src') === '' ? '' : ' with changes');
  } catch {
    return 'unknown';
  }
}

function warnOfLoad(when: string, load: number): void {
  if (load <= cpus().length / 2) return;
  console.log(`*** THE MACHINE IS BUSY: load of others at ${when} ${load.toFixed(2)} on ${cpus().length} cores. ***`);
  console.log('*** Trust the ratios of interleaved rounds and minima, nothing else. ***');
}

const headings = ['', 'median ms', 'min ms', 'ratio', 'asked', 'difference', '', ''];
const widths = [44, 10, 10, 8, 9, 11, 16, 0];

function cells({ name, median, min, ratio, asked, difference, rate = '', note = '' }: Row): string[] {
  const ms = (value: number | undefined) => value?.toFixed(value < 10 ? 3 : 1) ?? '';
  const verdict =
    asked === undefined ? '' : `${(ratio ?? Number.POSITIVE_INFINITY) <= asked ? '<=' : 'NOT'} ${asked.toFixed(3)}`;
  return [name, ms(median), ms(min), ratio?.toFixed(3) ?? '', verdict, difference?.toExponential(1) ?? '', rate, note];
}

function line(texts: readonly string[]): string {
  const padded = texts.map((text, i) => (i === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[i]!)));
  return padded.join(' ').trimEnd();
}
