/**
 * Training in a folder: `run.json` says what it is, `log.jsonl` what every step gave, `checkpoints/` where to go on, and
 * `curves.svg` shows the log.
 */
import { join, resolve } from 'node:path';
import { InputError } from '../errors.js';
import { writeAtomic } from '../files/atomic.js';
import { makeFolder, namesIn } from '../files/folder.js';
import { quoted } from '../files/quote.js';
import { withLock } from '../files/transfer/lock.js';
import type { Structure } from '../tensor/compile.js';
import { dispose, type Tensor } from '../tensor/tfjs.js';
import { type CheckpointFolder, lastCheckpoint, openCheckpoints } from './checkpoints.js';
import { isEvaluation, isStep, type Log, type LogEntry, openLog, readLog } from './log.js';
import { type Snapshot, type Trained, type TrainOptions, train } from './loop.js';
import { drawCurves } from './plot.js';
import {
  changedEnvironment,
  checkSameConfig,
  checkSameInputs,
  configHash,
  describeEnvironment,
  type Environment,
  holdsRun,
  type RunFile,
  type RunInputs,
  readRunFile,
  writeRunFile,
} from './runFile.js';
import type { BatchSource, TrainTask } from './task.js';

/** How to train in a folder. */
export interface RunOptions<State extends Structure>
  extends Pick<TrainOptions<State>, 'steps' | 'until' | 'rate' | 'threads' | 'ahead' | 'onStep' | 'signal'> {
  /** Where everything goes: the folder of `resume`, or an empty one, made if need be. */
  readonly folder: string;
  /** The folder of a run to go on with, often the same. */
  readonly resume?: string;
  /** What the run is, as plain JSON. */
  readonly config: object;
  /** Hashes of what else it depends on; a run goes on with the same alone. */
  readonly inputs?: RunInputs;
  readonly checkpoint: { readonly every: number; readonly keep: number };
  readonly log: { readonly every: number };
  readonly evaluate?: {
    readonly every: number;
    run(snapshot: Snapshot<State>): Promise<Readonly<Record<string, number>>>;
  };
  /** Takes lines of advice, such as that a checkpoint is damaged and the one before is used. */
  readonly warn: (text: string) => void;
}

/** How a run ended. */
export interface RunResult<State> extends Trained<State> {
  /** What the last evaluation gave, if there was any. */
  readonly evaluation?: Readonly<Record<string, number>>;
}

const parts = { lock: 'run.lock', log: 'log.jsonl', checkpoints: 'checkpoints', curves: 'curves.svg' } as const;

/**
 * Begins a run, or goes on with one: from its last sound checkpoint, with the log cut back to it, to the numbers of a
 * run that was never interrupted. Until a first step has been done, the folder stays empty but for a lock.
 * @throws InputError when a new run's folder is not empty; when `resume` holds a run of another configuration or other
 *   inputs, or none; when another process trains in the folder; when something cannot be written; and as `train` does
 */
export async function trainInFolder<State extends Structure>(
  task: TrainTask<State>,
  source: BatchSource,
  options: RunOptions<State>,
): Promise<RunResult<State>> {
  const { folder, resume, config, inputs } = options;
  const origin = resume === undefined ? undefined : readRunFile(resume);
  if (origin) {
    checkSameConfig(resume!, origin, config);
    checkSameInputs(resume!, origin, inputs);
  }
  makeFolder(folder);
  const path = join(folder, parts.lock);
  return withLock(
    path,
    ({ lost }) => {
      const beginning = origin ? resumed(task, origin, options) : begun(options);
      return trainFrom(beginning, task, source, options, lost);
    },
    {
      onWait(alive) {
        if (alive) throw new InputError(`${folder}: another process trains there; if none does, remove ${path}`);
      },
    },
  );
}

/** Where a run goes on, the log so far, and what it computes with. */
interface Beginning<State> {
  readonly from?: Snapshot<State>;
  readonly entries: LogEntry[];
  readonly environment: Environment;
  /** Whether the folder is still empty. */
  readonly isNew: boolean;
}

async function trainFrom<State extends Structure>(
  { from, entries, environment, isNew }: Beginning<State>,
  task: TrainTask<State>,
  source: BatchSource,
  options: RunOptions<State>,
  lost: AbortSignal,
): Promise<RunResult<State>> {
  const { folder, config, checkpoint, evaluate, steps, until, rate, ahead, onStep, signal } = options;
  let log: Log | undefined;
  let checkpoints: CheckpointFolder<State>;
  const write = (entry: LogEntry) => {
    entries.push(entry);
    log!.write(entry);
  };
  const save = (snapshot: Snapshot<State>) => {
    log!.flush();
    return checkpoints.save(snapshot);
  };
  try {
    const trained = await train(task, source, {
      steps,
      rate,
      threads: environment.threads,
      ...(from && { from }),
      ...(until !== undefined && { until }),
      ...(ahead !== undefined && { ahead }),
      ...(signal && { signal }),
      async onStart() {
        checkpoints = openCheckpoints(join(folder, parts.checkpoints), {
          keep: checkpoint.keep,
          config: configHash(config),
          from: from?.step ?? 0,
        });
        log = openLog(join(folder, parts.log), entries);
        if (!isNew) return;
        if (from) await save(from);
        writeRunFile(folder, config, environment, options.inputs);
      },
      onStep(report) {
        lost.throwIfAborted();
        const { step } = report;
        if (isLogged(step, options)) write(report);
        onStep?.(report);
      },
      checkpoint: { every: checkpoint.every, save },
      ...(evaluate && {
        evaluate: {
          every: evaluate.every,
          run: async snapshot => write({ step: snapshot.step, evaluation: await evaluate.run(snapshot) }),
        },
      }),
    });
    if (entries.length > 0) writeAtomic(join(folder, parts.curves), Buffer.from(await drawCurves(entries)));
    const last = trained.last ?? entries.findLast(isStep);
    const evaluation = entries.findLast(isEvaluation)?.evaluation;
    return { ...trained, ...(last && { last }), ...(evaluation && { evaluation }) };
  } finally {
    log?.close();
  }
}

const isLogged = (step: number, { log, steps }: Pick<RunOptions<never>, 'log' | 'steps'>): boolean =>
  step === 1 || step % log.every === 0 || step === steps;

function begun({ folder, threads }: Pick<RunOptions<never>, 'folder' | 'threads'>): Beginning<never> {
  if (holdsRun(folder)) {
    throw new InputError(`${folder}: there is a run in it already; go on with it (--resume), or name another folder`);
  }
  const other = namesIn(folder).find(name => name !== parts.lock);
  if (other !== undefined) {
    throw new InputError(`${folder}: expected an empty folder for the run, found ${quoted(other)}; name another`);
  }
  return { entries: [], environment: describeEnvironment(threads), isNew: true };
}

function resumed<State extends Structure>(
  task: TrainTask<State>,
  run: RunFile,
  options: RunOptions<State>,
): Beginning<State> {
  const { folder, warn, threads = run.environment.threads } = options;
  const origin = options.resume!;
  const isNew = resolve(origin) !== resolve(folder);
  const { environment } = isNew ? begun({ folder, threads }) : { environment: describeEnvironment(threads) };
  const changed = changedEnvironment(run, environment);
  if (changed) warn(changed);
  const start = task.start();
  let from: Snapshot<State> | undefined;
  try {
    from = lastCheckpoint(join(origin, parts.checkpoints), start, run.hash, warn);
  } finally {
    dispose(start as unknown as Tensor[]);
  }
  if (!from) warn(`${origin}: no checkpoint there yet; beginning with the first step`);
  const reached = from?.step ?? 0;
  const entries = readLog(join(origin, parts.log)).filter(({ step }) => step <= reached);
  const known = entries.findLast(isStep)?.step ?? 0;
  let missing = reached;
  while (missing > known && !isLogged(missing, options)) missing--;
  if (missing > known) {
    warn(`${join(origin, parts.log)}: broken behind step ${known}; what it said up to step ${reached} is lost`);
  }
  return { entries, environment, isNew, ...(from && { from }) };
}
