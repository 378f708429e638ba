/** `run.json`: what a run is, written before its first step and held against whoever goes on with it. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { writeAtomic } from '../files/atomic.js';
import { issueText } from '../files/issue.js';
import { readJson } from '../files/jsonFile.js';
import { quoted } from '../files/quote.js';
import * as z from '../files/schema.js';

const environmentSchema = z.object({
  clipscope: z.string(),
  node: z.string(),
  onnxruntime: z.string(),
  /** Threads of the step. */
  threads: z.int().positive(),
});

const schema = z.object({
  config: z.looseObject({}),
  hash: z.string(),
  inputs: z.exactOptional(z.record(z.string(), z.string())),
  environment: environmentSchema,
});

/** What the last digits of a run's numbers depend on beside its configuration. */
export type Environment = Readonly<z.infer<typeof environmentSchema>>;

/** Hashes of what a run reads beside its configuration, such as the weights it starts from, by what it is. */
export type RunInputs = Readonly<Record<string, string>>;

/** The content of `run.json`. */
export interface RunFile {
  readonly config: object;
  readonly hash: string;
  readonly inputs?: RunInputs;
  readonly environment: Environment;
}

const fileIn = (folder: string): string => join(folder, 'run.json');

/** A hash of a configuration, whatever the order of its keys. */
export const configHash = (config: object): string =>
  createHash('sha256').update(JSON.stringify(config, sortedKeys)).digest('hex');

const sortedKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort())
    : value;

/** What this process computes with. */
export const describeEnvironment = (threads = availableParallelism()): Environment => ({ ...versionsHere(), threads });

/** Programs of this process. */
export function versionsHere(): Omit<Environment, 'threads'> {
  const own = new URL('../../package.json', import.meta.url);
  const clipscope: string = JSON.parse(readFileSync(own, 'utf8')).version;
  return { clipscope, node: process.version, onnxruntime: runtimeVersion() };
}

/** The step's compilation says it better when there is none. */
function runtimeVersion(): string {
  try {
    return createRequire(import.meta.url)('onnxruntime-node/package.json').version;
  } catch {
    return 'none';
  }
}

/** Whether there is a run in a folder. */
export const holdsRun = (folder: string): boolean => existsSync(fileIn(folder));

/** Makes a folder that of a run. @throws InputError when it cannot be written */
export function writeRunFile(folder: string, config: object, environment: Environment, inputs?: RunInputs): void {
  const content: RunFile = { config, hash: configHash(config), ...(inputs && { inputs }), environment };
  writeAtomic(fileIn(folder), Buffer.from(`${JSON.stringify(content, undefined, 2)}\n`));
}

/** The run in a folder. @throws InputError when there is none, or its file is not what was written */
export function readRunFile(folder: string): RunFile {
  const path = fileIn(folder);
  if (!holdsRun(folder)) throw new InputError(`${folder}: expected the folder of a run there, found no run.json`);
  const json = readJson(path);
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new InputError(`${path}: ${issueText(parsed.error.issues[0]!, json)}`);
  if (configHash(parsed.data.config) === parsed.data.hash) return parsed.data;
  throw new InputError(`${path}: its configuration is not what was written; start anew`);
}

/** @throws InputError naming the first key in which a configuration differs from that of the run in a folder */
export function checkSameConfig(folder: string, { config: there }: RunFile, here: object): void {
  const found = firstDifference(there, here, []);
  if (!found) return;
  const [path, a, b] = found;
  const shown = (value: unknown) => (value === undefined ? 'missing' : quoted(JSON.stringify(value), 60));
  throw new InputError(
    `${folder}: a run of another configuration: '${path.join('.')}' is ${shown(a)} there and ${shown(b)} here`,
  );
}

/** @throws InputError naming what the run in a folder reads that is no longer what it began with */
export function checkSameInputs(folder: string, { inputs: there = {} }: RunFile, here: RunInputs = {}): void {
  const changed = firstDifference(there, here, []);
  if (!changed) return;
  const what = changed[0].join('.');
  throw new InputError(`${folder}: the run's ${what} changed since it began; put back what it had, or start anew`);
}

function firstDifference(a: unknown, b: unknown, path: string[]): [path: string[], a: unknown, b: unknown] | undefined {
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return Object.is(a, b) ? undefined : [path, a, b];
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key of new Set([...Object.keys(right), ...Object.keys(left)])) {
    const found = firstDifference(left[key], right[key], [...path, key]);
    if (found) return found;
  }
  return undefined;
}

/** What of the environment is another than when the run began, in words; undefined when nothing is. */
export function changedEnvironment({ environment: then }: RunFile, now: Environment): string | undefined {
  const changed = (['clipscope', 'node', 'onnxruntime', 'threads'] as const).filter(key => then[key] !== now[key]);
  if (changed.length === 0) return undefined;
  const list = changed.map(key => `${key} ${then[key]}, now ${now[key]}`).join('; ');
  return `the run was begun with ${list}: the last digits of its numbers may differ from an uninterrupted run's`;
}
