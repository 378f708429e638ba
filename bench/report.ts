/** What every benchmark here prints: the machine, its load, versions, then one row a measurement. */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { busyWarning, cpuNow, describeMachine } from '../src/bench/machine.js';
import { headingLine, type Row, rowLine } from '../src/bench/report.js';
import { parseEngine, startEngine } from '../src/tensor/engine.js';
import type { EngineName } from '../src/tensor/names.js';

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
    warn(machine.loadAtStart);
    console.log(headingLine());
  }
  const started = { wall: performance.now(), cpu: cpuNow() };
  return {
    wants: name => name.includes(filter),
    add(row) {
      rows.push(row);
      if (!json) console.log(rowLine(row));
    },
    finish() {
      const loadAtEnd = loadavg()[0]!;
      if (json) {
        console.log(JSON.stringify({ title, ...machine, loadAtEnd, rows }));
        return;
      }
      const share = (cpuNow() - started.cpu) / (performance.now() - started.wall);
      console.log(`load at end  ${loadAtEnd.toFixed(2)}, about ${share.toFixed(2)} of it our own`);
      warn(loadAtEnd - share);
    },
  };
}

function warn(loadOfOthers: number): void {
  for (const warning of busyWarning(loadOfOthers)) console.log(warning);
}
