/** What `train` needs of a kind of training. */
import type { RunOptions, RunResult } from '../../train/run.js';

/** What of a run is the command's business. */
export type TrainingOptions = Pick<
  RunOptions<object>,
  'folder' | 'resume' | 'until' | 'threads' | 'onStep' | 'signal' | 'warn'
>;

/** How a run ended. */
export interface TrainingResult extends Pick<RunResult<object>, 'step' | 'stopped' | 'last' | 'evaluation'> {
  /** Writes the model folder that it leaves. */
  save(): Promise<void>;
}

/** A training that can begin. */
export interface Training {
  readonly steps: number;
  /** Trains; as often as it is configured, the model so far is saved and looked at. */
  run(options: TrainingOptions): Promise<TrainingResult>;
  /** Frees what it holds. */
  close(): void;
}

/** A kind of training by name. */
export interface TrainingKind {
  /** What `--help` says of it. */
  readonly about: string;
  /** @throws InputError, in which `name` stands for the configuration, unless it is one of this kind */
  check(json: unknown, name: string): object;
  /**
   * Checks a configuration and opens what it names.
   * @param name what error messages call it
   * @param model folder of the model that training leaves
   */
  open(
    json: unknown,
    name: string,
    options: { readonly model: string; readonly threads?: number | undefined },
  ): Promise<Training>;
}
