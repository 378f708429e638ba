/** Command lines that must be refused, and how: tables of them become tests. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Ran, run } from './run.js';

/** What is typed (`{}` stands for the folder with the inputs), and what the message must say. */
export type Refused = readonly [args: readonly string[], says: RegExp];

/** How many processes run at once. */
const atOnce = 3;

/** Runs of one table, each in an empty folder of its own, started ahead of the tests that look at them. */
function startAll(dir: string, cases: readonly Refused[]): Promise<Ran & { left: string[] }>[] {
  const lanes: Promise<unknown>[] = Array(atOnce).fill(Promise.resolve());
  return cases.map(([args], i) => {
    const result = lanes[i % atOnce]!.then(async () => {
      const cwd = join(dir, `case-${i}`);
      mkdirSync(cwd);
      const ran = await run(
        args.map(arg => arg.replaceAll('{}', dir)),
        { cwd },
      );
      return { ...ran, left: readdirSync(cwd) };
    });
    lanes[i % atOnce] = result.catch(() => {});
    return result;
  });
}

/**
 * Tests that each command line ends with status 2, one printable line on stderr that says what it should, nothing on
 * stdout, and no file made.
 * @param prepare writes the inputs into a folder
 */
export function refuses(cases: readonly Refused[], prepare: (dir: string) => void | Promise<void>): void {
  let dir: string;
  let runs: ReturnType<typeof startAll>;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'clipscope-test-'));
    await prepare(dir);
    runs = startAll(dir, cases);
  });
  after(async () => {
    await Promise.allSettled(runs);
    rmSync(dir, { recursive: true, force: true });
  });
  cases.forEach(([args, says], i) => {
    it(JSON.stringify(args.join(' ').slice(0, 100)), async () => {
      const { status, stdout, stderr, left } = await runs[i]!;
      expect({ status, stdout, left }, stderr).to.deep.equal({ status: 2, stdout: '', left: [] });
      expect(stderr).to.match(/^clipscope: [^\p{C}\p{Zl}\p{Zp}]+\n$/u);
      expect(stderr).to.match(says);
    });
  });
}
