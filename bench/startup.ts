/**
 * How long the command line takes from start to end, by the clock: its help, and the README's main command.
 *
 *     npm run build && npx tsx bench/startup.ts [--filter TEXT] [--rounds N] [--json]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '../src/bench/statistics.js';
import { benchOptions, openReport } from './report.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const program = join(root, 'dist/cli.js');
const options = benchOptions({ rounds: 10 });
const report = await openReport('start-up: milliseconds by the clock', options);

function time(words: readonly string[]): number {
  const start = performance.now();
  const child = spawnSync(process.execPath, [program, ...words], { cwd: root, encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`clipscope ${words.join(' ')}: ${child.stderr}`);
  return performance.now() - start;
}

function measure(name: string, words: readonly string[], asked: number): void {
  if (!report.wants(name)) return;
  time(words);
  const times = Array.from({ length: options.rounds }, () => time(words));
  const middle = median(times);
  report.add({
    name,
    median: middle,
    min: Math.min(...times),
    ratio: middle / asked,
    asked: 1,
    note: `of ${asked} ms`,
  });
}

/** The first `npx clipscope segment` of the README, with its output put elsewhere. */
function mainCommand(output: string): string[] {
  const line = /npx clipscope (segment .*)$/m.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1];
  if (line === undefined) throw new Error('README.md: expected a line with npx clipscope segment');
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(match => match[1] ?? match[2]!);
  return words.map((word, i) => (words[i - 1] === '-o' ? output : word));
}

const folder = mkdtempSync(join(tmpdir(), 'startup-'));
try {
  if (existsSync(program)) {
    measure('clipscope --help', ['--help'], 200);
    measure("the README's main command", mainCommand(join(folder, 'overlay.png')), 3000);
  } else {
    console.error(`${program} is missing: run npm run build first`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
report.finish();
