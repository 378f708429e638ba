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

/** Whether anybody watches. */
export const showsProgress = ({ quiet }: { quiet?: boolean }): boolean => !quiet && process.stderr.isTTY === true;

/** A line of advice on standard error. */
export const warn = (text: string): void => void process.stderr.write(`clipscope: ${printable(text)}\n`);

/**
 * A progress bar on standard error that appears once the work has taken a second; none without a terminal or with
 * `--quiet`. Call `end` whatever happens.
 */
function progress(label: string, flags: { quiet?: boolean }): { update: Progress; end: () => void } {
  if (!showsProgress(flags)) return { update: () => {}, end: () => {} };
  const due = Date.now() + visibleAfter;
  let latest: readonly [done: number, total: number] | undefined;
  let bar: SingleBar | undefined;
  const show = () => {
    if (latest) bar ??= startBar(label, ...latest);
  };
  const timer = setTimeout(show, visibleAfter);
  return {
    update(done, total) {
      latest = [done, total];
      // Work that does not leave the event loop free keeps the timer from going off.
      if (Date.now() >= due) show();
      bar?.setTotal(total);
      bar?.update(done);
    },
    end() {
      clearTimeout(timer);
      bar?.stop();
    },
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
