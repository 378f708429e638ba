/** What a command says: results on standard output, progress on standard error. */
import { createRequire } from 'node:module';
import type { SingleBar } from 'cli-progress';
import { printable } from '../files/quote.js';

/** Prints the result: one JSON object, or lines for people. */
export function print({ json }: { json?: boolean }, value: object, lines: () => readonly string[]): void {
  process.stdout.write(
    json
      ? `${JSON.stringify(value)}\n`
      : lines()
          .map(line => `${printable(line)}\n`)
          .join(''),
  );
}

export type Progress = (done: number, total: number) => void;

/** Below this a bar only flickers. */
const visibleAfter = 1000;

const require = createRequire(import.meta.url);

/**
 * A progress bar on standard error that appears once the work has taken a second; none without a terminal or with
 * `--quiet`. Call `end` whatever happens.
 */
function progress(label: string, { quiet }: { quiet?: boolean }): { update: Progress; end: () => void } {
  if (quiet || !process.stderr.isTTY) return { update: () => {}, end: () => {} };
  const started = Date.now();
  let bar: SingleBar | undefined;
  return {
    update(done, total) {
      if (bar) {
        bar.setTotal(total);
        bar.update(done);
      } else if (Date.now() - started > visibleAfter) {
        bar = startBar(label, done, total);
      }
    },
    end: () => bar?.stop(),
  };
}

/** Loaded and drawn at once: work that computes without a pause would leave no moment to do either later. */
function startBar(label: string, done: number, total: number): SingleBar {
  const { SingleBar: Bar, Presets } = require('cli-progress') as typeof import('cli-progress');
  const format = `${label} {bar} {percentage}% | {value}/{total} | {eta_formatted}`;
  const bar = new Bar({ format, stream: process.stderr, clearOnComplete: true, linewrap: true }, Presets.shades_grey);
  bar.start(total, done);
  return bar;
}

/** Runs `f` with a progress bar. */
export async function withProgress<T>(
  label: string,
  flags: { quiet?: boolean },
  f: (update: Progress) => Promise<T>,
): Promise<T> {
  const bar = progress(label, flags);
  try {
    return await f(bar.update);
  } finally {
    bar.end();
  }
}

/** A percentage for people. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
