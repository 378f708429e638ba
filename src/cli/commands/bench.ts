import { loadavg } from 'node:os';
import { Command } from 'commander';
import { openBench } from '../../bench/bench.js';
import { type Benchmark, benchmarks } from '../../bench/benchmarks/index.js';
import { busyWarning, describeMachine } from '../../bench/machine.js';
import { openPeers } from '../../bench/peers.js';
import { randomVitB16 } from '../../bench/randomModel.js';
import { headingLine, type Row, rowLine } from '../../bench/report.js';
import { InputError, suggestion } from '../../errors.js';
import { quoted } from '../../files/quote.js';
import { threadCount, wholeNumber, withOutput } from '../flags.js';
import { print, withProgress } from '../output.js';

interface Flags {
  peers?: boolean;
  filter: string;
  rounds: number;
  threads: number;
  model?: string;
  quiet?: boolean;
  json?: boolean;
}

export function command(description: string): Command {
  return withOutput(new Command('bench'))
    .description(description)
    .option('--peers', 'hold ours against other libraries (in a checkout, after npm ci --prefix bench/peers)')
    .option('--filter <text>', 'only rows whose name contains this', '')
    .option('--rounds <n>', 'how many times each candidate runs, in turns', wholeNumber(1), 5)
    .option('--threads <n>', 'threads of every candidate', threadCount, 1)
    .option('--model <dir|file|hub-id>', 'weights (default: a full-size ViT-B/16 with random ones)')
    .action(bench);
}

async function bench({ filter, rounds, threads, model, ...flags }: Flags): Promise<void> {
  const chosen = chosenRows(filter, flags);
  const peers = flags.peers ? openPeers() : undefined;
  const rows: Row[] = [];
  const say = (...lines: string[]) => {
    if (!flags.json) print(flags, {}, () => lines);
  };
  const opened = openBench({
    model: model ?? randomVitB16({ visionOnly: true }),
    threads,
    rounds,
    ...(peers && { peers }),
    wants: row => chosen.has(row),
    add(row) {
      rows.push(row);
      say(rowLine(row));
    },
  });
  try {
    const loadAtStart = loadavg()[0]!;
    const machine = { ...describeMachine(), threads, rounds, loadAtStart };
    say(...Object.entries(machine).map(([key, value]) => `${key.padEnd(12)} ${value}`));
    say(...busyWarning(loadAtStart), headingLine());
    // Rows for people come as they are measured, and are progress enough.
    await withProgress('benchmarks', { quiet: flags.quiet || !flags.json }, async update => {
      for (const [i, benchmark] of benchmarks.entries()) {
        update(i, benchmarks.length);
        if (rowsOf(benchmark).some(opened.wants)) await benchmark.run(opened);
      }
    });
    const loadAtEnd = loadavg()[0]!;
    const versions = opened.about;
    say(`load at end  ${loadAtEnd.toFixed(2)}`);
    say(...Object.entries(versions).map(([name, version]) => `measured     ${name} ${version}`));
    if (flags.json) print(flags, { ...machine, loadAtEnd, versions, rows }, () => []);
  } finally {
    opened.close();
  }
}

/** @throws InputError when no row's name contains the filter. */
function chosenRows(filter: string, { peers = false }: Pick<Flags, 'peers'>): Set<string> {
  const names = benchmarks.flatMap(benchmark => (peers ? rowsOf(benchmark) : benchmark.rows));
  const chosen = names.filter(name => name.includes(filter));
  if (chosen.length > 0) return new Set(chosen);
  throw new InputError(`bench: --filter: no row's name contains ${quoted(filter)}${suggestion(filter, names)}`);
}

const rowsOf = ({ rows, peerRows = [] }: Benchmark): readonly string[] => [...rows, ...peerRows];
