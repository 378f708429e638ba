/** Command lines that must be refused, and how: tables of them become tests. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { cli, environment, onEngine } from './run.js';

/** What is typed (`{}` stands for the folder with the inputs), and what the message must say. */
export type Refused = readonly [args: readonly string[], says: RegExp];

const session = fileURLToPath(new URL('./session.ts', import.meta.url));

/** Starts a process that takes one command line after the other. */
function startSession() {
  const program = join(dirname(cli), 'cli', 'program.js');
  const child = spawn(process.execPath, ['--import', 'tsx', session, program], {
    env: environment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: Interface = createInterface({ input: child.stdout });
  const answers = lines[Symbol.asyncIterator]();
  return {
    async run(args: readonly string[], cwd: string): Promise<{ status: number; stdout: string; stderr: string }> {
      child.stdin.write(`${JSON.stringify({ args: onEngine(args), cwd })}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`the process ended at: ${args.join(' ')}`);
      return JSON.parse(value);
    },
    end: () => void child.stdin.end(),
  };
}

/**
 * Tests that each command line ends with status 2, one printable line on stderr that says what it should, nothing on
 * stdout, and no file made.
 * @param prepare writes the inputs into a folder
 */
export function refuses(cases: readonly Refused[], prepare: (dir: string) => void | Promise<void>): void {
  let dir: string;
  let commands: ReturnType<typeof startSession>;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'clipscope-test-'));
    await prepare(dir);
    commands = startSession();
  });
  after(() => {
    commands.end();
    rmSync(dir, { recursive: true, force: true });
  });
  cases.forEach(([args, says], i) => {
    it(JSON.stringify(args.join(' ').slice(0, 100)), async () => {
      const cwd = join(dir, `case-${i}`);
      mkdirSync(cwd);
      const filled = args.map(arg => arg.replaceAll('{}', dir));
      const { status, stdout, stderr } = await commands.run(filled, cwd);
      expect({ status, stdout }, stderr).to.deep.equal({ status: 2, stdout: '' });
      expect(readdirSync(cwd), stderr).to.deep.equal([]);
      expect(stderr).to.match(/^clipscope: [^\p{C}\p{Zl}\p{Zp}]+\n$/u);
      expect(stderr).to.match(says);
    });
  });
}
