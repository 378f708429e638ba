/** What a command says: results on standard output, progress on standard error. */
import type { SingleBar } from 'cli-progress';

/** Prints the result: one JSON object, or lines for people. */
export function print({ json }: { json?: boolean }, value: object, lines: () => readonly string[]): void {
  process.stdout.write(
    json
      ? `${JSON.stringify(value)}\n`
      : lines()
          .map(line => `${line}\n`)
          .join(''),
  );
}

export type Progress = (done: number, total: number) => void;

/** Below this a bar only flickers. */
const visibleAfter = 1000;

/**
 * A progress bar on standard error that appears once the work has taken a second; none without a terminal or with
 * `--quiet`. Call `end` whatever happens.
 */
export function progress(label: string, { quiet }: { quiet?: boolean }): { update: Progress; end: () => void } {
  if (quiet || !process.stderr.isTTY) return { update: () => {}, end: () => {} };
  const started = Date.now();
  let bar: SingleBar | undefined;
  let making = false;
  let latest: [done: number, total: number] = [0, 1];
  let ended = false;
  async function show() {
    const { SingleBar: Bar, Presets } = await import('cli-progress');
    if (ended) return;
    const format = `${label} {bar} {percentage}% | {value}/{total} | {eta_formatted}`;
    bar = new Bar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true }, Presets.shades_grey);
    bar.start(latest[1], latest[0]);
  }
  return {
    update(done, total) {
      latest = [done, total];
      if (bar) {
        bar.setTotal(total);
        bar.update(done);
      } else if (!making && Date.now() - started > visibleAfter) {
        making = true;
        void show();
      }
    },
    end() {
      ended = true;
      bar?.stop();
    },
  };
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
