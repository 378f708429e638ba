/** The machine that a benchmark runs on, as far as it can be told. */
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const root = dirname(fileURLToPath(new URL('../../package.json', import.meta.url)));

/** Processor time of this process so far, all threads, in milliseconds. */
export function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const packages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm', 'onnxruntime-node'];

/** The machine and the software, each in words. */
export function describeMachine(): Record<string, string> {
  return {
    CPU: `${cpus()[0]?.model.trim() ?? 'unknown'} x ${cpus().length}, ${flagsOfInterest()}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    node: `${process.version} (V8 ${process.versions.v8}), ${process.platform} ${process.arch}`,
    packages: packages.map(name => `${name} ${packageVersion(name)}`).join(', '),
    commit: commit(),
  };
}

/** A line of warning when others use more than half the cores, else none. */
export function busyWarning(loadOfOthers: number): string[] {
  if (loadOfOthers <= cpus().length / 2) return [];
  const load = `load of others ${loadOfOthers.toFixed(2)} on ${cpus().length} cores`;
  return [`*** BUSY: ${load}. Trust the ratios of interleaved rounds and minima, nothing else. ***`];
}

function flagsOfInterest(): string {
  const wanted = ['avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_tile', 'amx_int8', 'asimd'];
  try {
    const found = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
    return wanted.filter(flag => found.includes(flag)).join(' ');
  } catch {
    return 'flags unknown';
  }
}

function packageVersion(name: string): string {
  try {
    return (require(`${name}/package.json`) as { version: string }).version;
  } catch {
    return 'unknown';
  }
}

function commit(): string {
  const git = (...words: string[]) => execFileSync('git', words, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    // An installed package lies in somebody else's repository.
    if (realpathSync(git('rev-parse', '--show-toplevel')) !== realpathSync(root)) return 'none: installed';
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'src') === '' ? '' : ' with changes');
  } catch {
    return 'unknown';
  }
}
