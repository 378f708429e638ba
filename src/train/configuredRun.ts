/** A run by a configuration: what every kind of training says alike of its steps, rate, log and evaluations. */
import type { Structure } from '../tensor/compile.js';
import { type RunOptions, type RunResult, trainInFolder } from './run.js';
import { cosineSchedule, type Schedule } from './schedule.js';
import type { BatchSource, TrainTask } from './task.js';

/** What is not the configuration's business. */
export type ConfiguredOptions<State extends Structure> = Pick<
  RunOptions<State>,
  'folder' | 'resume' | 'until' | 'threads' | 'onStep' | 'signal' | 'warn'
> & {
  /** What to do with the weights as often as the configuration's `evaluation` says. */
  readonly evaluate?: NonNullable<RunOptions<State>['evaluate']>['run'];
};

/** What a configuration says of a run, whatever is trained. */
export interface RunConfig extends Pick<RunOptions<never>, 'checkpoint' | 'log'> {
  readonly optimiser: Omit<Schedule, 'steps'>;
  readonly evaluation?: { readonly every: number };
}

/**
 * Trains in a folder, and closes the source.
 * @param run how many steps in all, and hashes of what it reads (see `RunOptions`)
 * @throws InputError as `trainInFolder` does
 */
export async function trainAsConfigured<State extends Structure>(
  task: TrainTask<State>,
  source: BatchSource,
  config: RunConfig,
  { steps, ...read }: Pick<RunOptions<State>, 'steps' | 'inputs'>,
  { evaluate, ...options }: ConfiguredOptions<State>,
): Promise<RunResult<State>> {
  const { checkpoint, log, optimiser, evaluation } = config;
  try {
    return await trainInFolder(task, source, {
      ...options,
      ...read,
      config,
      steps,
      checkpoint,
      log,
      rate: cosineSchedule({ ...optimiser, steps }),
      ...(evaluate && evaluation && { evaluate: { every: evaluation.every, run: evaluate } }),
    });
  } finally {
    await source.close();
  }
}
