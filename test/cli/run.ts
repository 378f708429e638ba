/** The built command line (`dist/cli.js`, as `npm test` builds it) as a child process. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/** What `npx clipscope` runs. */
export const cli = path('dist/cli.js');
/** The model that comes with the package. */
export const embedded = path('weights/scenes');
/** An example picture by its number, 1 to 6. */
export const scene = (n: number) => path(`examples/scene-${n}.png`);

if (!existsSync(cli)) throw new Error(`${cli} is not there; run 'npm run build' first`);

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Called with the running process, such as to send it a signal. */
  meanwhile?: (child: ReturnType<typeof spawn>) => void;
}

export interface Ran {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const cache = mkdtempSync(join(tmpdir(), 'clipscope-cache-'));
process.once('exit', () => rmSync(cache, { recursive: true, force: true }));

/** The environment of a run: none of the user's settings, a cache of the suite's own. */
export function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { HF_ENDPOINT, HF_TOKEN, NODE_OPTIONS, FORCE_COLOR, ...rest } = process.env;
  return { ...rest, CLIPSCOPE_CACHE: cache, ...more };
}

const computing = ['segment', 'classify', 'embed', 'inspect', 'compare'];

/** The command line with the engine under test, where one is set and the command computes. */
export function onEngine(args: readonly string[]): readonly string[] {
  const engine = process.env.CLIPSCOPE_ENGINE;
  const choose = engine && computing.includes(args[0]!) && !args.includes('--engine');
  return choose ? [args[0]!, '--engine', engine, ...args.slice(1)] : args;
}

/** Runs one command line in a process of its own. */
export function run(args: readonly string[], { cwd, env = {}, meanwhile }: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...onEngine(args)], { env: environment(env), ...(cwd && { cwd }) });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text;
    });
    child.on('error', reject).on('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
    child.stdin.end();
    meanwhile?.(child);
  });
}

/** Runs a command line that must succeed without a word on stderr; returns what it printed. */
export async function succeed(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await run(args, options);
  expect(stderr, args.join(' ')).to.equal('');
  expect(status, args.join(' ')).to.equal(0);
  return stdout;
}

/** The same with `--json`, which must print one JSON object on one line and nothing else. */
export async function json<T>(args: readonly string[], options: RunOptions = {}): Promise<T> {
  const stdout = await succeed([...args, '--json'], options);
  expect(stdout.indexOf('\n'), 'one line').to.equal(stdout.length - 1);
  const value = JSON.parse(stdout);
  expect(value).to.be.an('object');
  return value;
}

/** Starts jobs ahead of the tests that await them, in order, a few at a time. */
export function ahead<T>(jobs: readonly (() => Promise<T>)[], atOnce = 3): Promise<T>[] {
  const lanes: Promise<unknown>[] = Array(atOnce).fill(Promise.resolve());
  return jobs.map((job, i) => {
    const result = lanes[i % atOnce]!.then(job);
    lanes[i % atOnce] = result.catch(() => {});
    return result;
  });
}
