/** The folder of a run: what is evaluated, its finished shards, a log, and a lock that keeps it one process's. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { reasonOf } from '../../files/bytes.js';
import { makeFolder, namesIn } from '../../files/folder.js';
import { quoted } from '../../files/quote.js';
import { withLock } from '../../files/transfer/lock.js';
import { checkSameConfig, describeEnvironment, holdsRun, readRunFile, writeRunFile } from '../../train/runFile.js';
import type { EvaluationPlan, PlanIdentity } from '../plan.js';
import type { ShardResult } from '../records.js';
import { decisive } from './identity.js';
import type { OpenPlan } from './openPlan.js';
import { readShard, writeShard } from './shardFiles.js';

const parts = { lock: 'run.lock', log: 'log.jsonl', shards: 'shards' } as const;

/** A run's folder, held by this process. */
export interface RunFolder {
  /** Shards that were finished before, without images that failed. */
  readonly finished: readonly ShardResult[];
  /** Keeps a finished shard. @throws InputError when it cannot be written, or the folder's lock was taken away */
  save(result: ShardResult): void;
  /** Adds a line to the log. */
  log(event: string, details?: object): void;
}

/** What `run.json` has as its configuration. */
interface RunConfig {
  readonly plan: EvaluationPlan;
  readonly identity: PlanIdentity;
}

/** The plan of the run in a folder. @throws InputError when there is none, or its file is not what was written */
export function planOfRun(folder: string): EvaluationPlan {
  return configOf(folder).plan;
}

function configOf(folder: string): RunConfig {
  const config = readRunFile(folder).config as Partial<RunConfig>;
  if (config.plan && config.identity) return config as RunConfig;
  throw new InputError(`${folder}: expected an evaluation there, found a run of another kind`);
}

/**
 * Begins the run of a plan in a folder, or goes on with it.
 * @param warn takes lines of advice, such as that a damaged shard is done again
 * @throws InputError when the folder holds a run of another plan, model, data set or version, or other things; when
 *   another process evaluates there; or when it cannot be written
 */
export async function withRunFolder<T>(
  folder: string,
  open: OpenPlan,
  warn: (text: string) => void,
  work: (run: RunFolder) => Promise<T>,
): Promise<T> {
  // Refused before anything is written.
  checkSamePlan(folder, open);
  makeFolder(folder);
  const path = join(folder, parts.lock);
  return withLock(
    path,
    async ({ lost }) => {
      checkSamePlan(folder, open);
      const { plan, identity, versions } = open;
      if (!holdsRun(folder))
        writeRunFile(folder, { plan, identity } satisfies RunConfig, describeEnvironment(plan.threads));
      const log = (event: string, details: object = {}) =>
        append(join(folder, parts.log), { time: new Date().toISOString(), event, ...details });
      const finished = finishedIn(folder, open, path => {
        warn(`${path}: damaged; evaluating its images again`);
        log('damaged', { path });
      });
      log('begin', { dataset: plan.dataset, model: plan.model, finished: finished.length, ...versions });
      return work({
        finished,
        save(result) {
          lost.throwIfAborted();
          writeShard(join(folder, parts.shards), identity.hash, result);
        },
        log,
      });
    },
    {
      onWait(alive) {
        if (alive) throw new InputError(`${folder}: another process evaluates there; if none does, remove ${path}`);
      },
    },
  );
}

/** A shard with failures is not finished: what kept an image from being read may be mended by now. */
function finishedIn(folder: string, { identity, shards }: OpenPlan, onDamage: (path: string) => void): ShardResult[] {
  const found: ShardResult[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const result = readShard(join(folder, parts.shards), identity.hash, shard, onDamage);
    if (result?.images.every(({ failure }) => failure === undefined)) found.push(result);
  }
  return found;
}

function checkSamePlan(folder: string, { plan, identity }: OpenPlan): void {
  if (!holdsRun(folder)) {
    checkEmpty(folder);
    return;
  }
  const run = readRunFile(folder);
  const there = configOf(folder);
  const sides = [there, { plan, identity }].map(one => {
    const { version, weights, dataset } = one.identity;
    return { version, weights, dataset, ...decisive(one.plan) };
  });
  checkSameConfig(folder, { ...run, config: sides[0]! }, sides[1]!);
}

function checkEmpty(folder: string): void {
  let names: string[];
  try {
    names = namesIn(folder);
  } catch {
    // Not there yet; making it tells what else may be wrong.
    return;
  }
  const other = names.find(name => !Object.values<string>(parts).includes(name));
  if (other === undefined) return;
  throw new InputError(`${folder}: expected an empty folder for the run, found ${quoted(other)}; name another`);
}

function append(path: string, entry: object): void {
  try {
    appendFileSync(path, `${JSON.stringify(entry)}\n`);
  } catch (error) {
    throw new InputError(`${path}: cannot be written: ${reasonOf(error)}`);
  }
}
