/** The other libraries that ours is measured against. They live in `bench/peers` of a checkout, not in the package. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findModel } from '../checkpoint/modelFiles.js';
import { InputError } from '../errors.js';
import { type Absent, type Lane, lastLine } from './lane.js';

interface Exported {
  readonly folder: string;
}

export interface Peers {
  /** A peer in Node, by its script. */
  node(script: string, given: object): Lane;
  /** A peer in Python, by its script. */
  python(script: string, given: object): Lane;
  /**
   * The folder of a model's image tower as the hub would have it, exported on first use; the file of the graph is
   * `onnx/vision_model.onnx`.
   */
  exported(model: string): Promise<Exported | Absent>;
}

/** Python that measures takes no memory from the system and gives none back between runs. */
const calmMemory = { MALLOC_MMAP_THRESHOLD_: '4294967296', MALLOC_TRIM_THRESHOLD_: '17179869184' };

/** @throws InputError when this is no checkout, or the peers are not installed in it. */
export function openPeers(folder = dirname(fileURLToPath(new URL('../../package.json', import.meta.url)))): Peers {
  const home = resolve(folder, 'bench/peers');
  if (!existsSync(join(home, 'package.json'))) {
    throw new InputError('bench: --peers: the peers are part of a checkout of the repository, not of the package');
  }
  for (const name of ['@huggingface/transformers', '@jax-js/jax']) {
    if (existsSync(join(home, 'node_modules', name))) continue;
    throw new InputError(`bench: --peers: ${name} is not installed; run npm ci --prefix ${home}`);
  }
  const exports = new Map<string, ReturnType<typeof exported>>();
  const interpreter = process.env.CLIPSCOPE_PYTHON ?? 'python3';
  return {
    node: (script, given) => ({
      program: process.execPath,
      words: [join(home, script)],
      given,
      optional: true,
    }),
    python: (script, given) => ({
      program: interpreter,
      words: [join(home, script)],
      given,
      environment: calmMemory,
      optional: true,
    }),
    exported: model => {
      const known = exports.get(model) ?? exported(model, interpreter, join(home, 'export_onnx.py'));
      exports.set(model, known);
      return known;
    },
  };
}

async function exported(model: string, interpreter: string, script: string): Promise<Exported | Absent> {
  const { folder: source, weights } = findModel(model);
  const { size, mtimeMs } = statSync(weights!);
  const made = JSON.stringify([resolve(weights!), size, mtimeMs, readFileSync(script, 'utf8')]);
  const key = createHash('sha256').update(made).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), 'clipscope-bench', `export-${key}`);
  if (existsSync(folder)) return { folder };
  const making = `${folder}-${process.pid}`;
  mkdirSync(making, { recursive: true });
  try {
    await promisify(execFile)(interpreter, [script, resolve(source), making], { maxBuffer: 2 ** 24 });
    renameSync(making, folder);
    return { folder };
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    return { reason: `no export: ${lastLine(stderr) || message}` };
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}
