/** The loop that every kind of training shares: steps of a compiled graph, and what happens between them. */
import { InputError } from '../errors.js';
import type { Mapped, Structure, Values } from '../tensor/compile.js';
import { compileKeptStep, type KeptStep } from '../tensor/keptStep.js';
import { dispose, type Tensor } from '../tensor/tfjs.js';
import { byTurns, type Steps, turn } from '../turns.js';
import type { BatchSource, TrainTask } from './task.js';

/** What a step gave. */
export interface StepReport {
  /** Counted from 1. */
  readonly step: number;
  readonly loss: number;
  /** The task's other metrics. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The learning rate. */
  readonly rate: number;
  /** Over the step, its wait for data included. */
  readonly imagesPerSecond: number;
  /** Since training began, those before an interruption included. */
  readonly seconds: number;
}

/** A state and how far it is. */
export interface Snapshot<State> {
  /** Steps done. */
  readonly step: number;
  readonly state: Mapped<State, Values>;
  readonly seconds: number;
}

/** How to train. */
export interface TrainOptions<State extends Structure> {
  /** Steps in all, those before `from` included. */
  readonly steps: number;
  /** Stops after this step, where it comes before the last. */
  readonly until?: number;
  /** The learning rate of a step, counted from 1. */
  readonly rate: (step: number) => number;
  /** Where to go on; default: the task's start. */
  readonly from?: Snapshot<State>;
  /** Threads to compute with; default: one for each core. */
  readonly threads?: number;
  /** Batches that are asked for before their step; default 2. */
  readonly ahead?: number;
  /** Called once: when the first step has given its loss, before its report; at the end where no step was done. */
  readonly onStart?: () => void | Promise<void>;
  /** Called after every step. */
  readonly onStep?: (report: StepReport) => void;
  /** Done after every so many steps and after the last. */
  readonly evaluate?: { readonly every: number; run(snapshot: Snapshot<State>): Promise<void> };
  /** Done after every so many steps, after the last, and when stopped; returns what to call what it wrote. */
  readonly checkpoint?: { readonly every: number; save(snapshot: Snapshot<State>): Promise<string> };
  /** Stops after the step under way. */
  readonly signal?: AbortSignal;
}

/** How training ended. */
export interface Trained<State> extends Snapshot<State> {
  /** Of the last step; undefined when none was done. */
  readonly last?: StepReport;
  /** Whether `until` or `signal` ended it before the last step. */
  readonly stopped: boolean;
}

/**
 * Trains. The step is one graph in a thread of its own, which keeps the state, and batches are asked for ahead: neither
 * this thread's event loop nor the training waits for the other. The same task, source and options give the same
 * numbers, in one go or from any state on the way.
 * @throws InputError when a loss or a state is not finite, naming the step, its batch and the last checkpoint; and as
 *   the source, `evaluate` and `save` do
 */
export async function train<State extends Structure>(
  task: TrainTask<State>,
  source: BatchSource,
  options: TrainOptions<State>,
): Promise<Trained<State>> {
  const { steps, rate, from, onStart, onStep, evaluate, checkpoint, signal } = options;
  const until = Math.min(steps, options.until ?? steps);
  if (from && from.step >= until) {
    await onStart?.();
    return { ...from, stopped: from.step < steps };
  }
  const compiled = await startStep(task, options);
  try {
    const batchOf = prefetched(source, until, options.ahead ?? 2);
    const { step: first, seconds: before } = { step: 0, seconds: 0, ...from };
    const began = performance.now();
    let step = first;
    let last: StepReport | undefined;
    let saved: { readonly step: number; readonly name: string } | undefined = from && {
      step: from.step,
      name: `that of step ${from.step}`,
    };

    const seconds = () => before + (performance.now() - began) / 1000;
    const failed = (what: string) => {
      const batch = source.describe ? ` (batch: ${source.describe(step)})` : '';
      const good = saved ? `the last good checkpoint is ${saved.name}` : 'there is no checkpoint yet';
      return new InputError(`train: step ${step}${batch}: ${what}; ${good}; try a lower learning rate`);
    };
    // The state is read once a step, however many want it.
    let taken: Snapshot<State> | undefined;
    const snapshot = async (): Promise<Snapshot<State>> => {
      if (taken) return taken;
      const state = await compiled.state();
      if (step > first && !(await byTurns(allFinite(state)))) throw failed('the step left weights that are not finite');
      taken = { step, state, seconds: seconds() };
      return taken;
    };
    const save = async (reached: Snapshot<State>) => {
      if (checkpoint && step !== saved?.step) saved = { step, name: await checkpoint.save(reached) };
    };

    while (step < until && !signal?.aborted) {
      step++;
      taken = undefined;
      const start = performance.now();
      const batch = await batchOf(step);
      const used = rate(step);
      const { metrics } = await compiled({ data: Float32Array.of(used), shape: [] }, ...batch);
      source.release?.(batch);
      const { loss = Number.NaN, ...others } = numbersOf(metrics as Record<string, Values>);
      if (!Number.isFinite(loss)) throw failed(`the loss is ${loss}`);
      if (step === first + 1) await onStart?.();
      const imagesPerSecond = (1000 * batch[0]!.shape[0]!) / (performance.now() - start);
      last = { step, loss, metrics: others, rate: used, imagesPerSecond, seconds: seconds() };
      onStep?.(last);
      const due = (hook: { readonly every: number } | undefined) => hook && (step % hook.every === 0 || step === steps);
      if (due(evaluate)) await evaluate!.run(await snapshot());
      if (due(checkpoint)) await save(await snapshot());
    }
    if (step === first) await onStart?.();
    const end = await snapshot();
    if (step > first) await save(end);
    return { ...end, stopped: step < steps, ...(last && { last }) };
  } finally {
    await compiled.dispose();
  }
}

/** A task's step, compiled, in the thread that keeps its state. The task's start is freed once its values are taken. */
export async function startStep<State extends Structure>(
  task: TrainTask<State>,
  { from, threads }: Pick<TrainOptions<State>, 'from' | 'threads'>,
): Promise<KeptStep<State, ReturnType<TrainTask<State>['step']>>> {
  const start = task.start();
  try {
    await turn();
    return await compileKeptStep(
      (state: State, ...inputs: Tensor[]) => task.step(state, inputs[0]!, ...inputs.slice(1)),
      start,
      from?.state ?? start,
      [{ shape: [], name: 'rate' }, ...task.signature],
      { ...(threads !== undefined && { threads }) },
    );
  } finally {
    dispose(start as unknown as Tensor[]);
  }
}

/** Batches in the order of their steps, so many asked for before their turn. */
function prefetched(source: BatchSource, steps: number, ahead: number): (step: number) => Promise<readonly Values[]> {
  const asked = new Map<number, Promise<readonly Values[]>>();
  return step => {
    for (let next = step; next <= Math.min(step + ahead, steps); next++) {
      if (asked.has(next)) continue;
      const batch = source.batch(next);
      // A failure is told when its turn comes; until then it must not count as one that nobody handles.
      batch.catch(() => {});
      asked.set(next, batch);
    }
    const batch = asked.get(step)!;
    asked.delete(step);
    return batch;
  };
}

const numbersOf = (metrics: Readonly<Record<string, Values>>): Record<string, number> =>
  Object.fromEntries(Object.entries(metrics).map(([name, { data }]) => [name, data[0]!]));

/** Whether no value of a state is NaN or infinite. */
function* allFinite(state: unknown): Steps<boolean> {
  const { data } = state as Partial<Values>;
  if (!ArrayBuffer.isView(data)) {
    for (const part of Object.values(state as object)) if (!(yield* allFinite(part))) return false;
    return true;
  }
  for (let from = 0; from < data.length; from += valuesAStep) {
    if (!areFinite(data.subarray(from, from + valuesAStep))) return false;
    yield;
  }
  return true;
}

/** Values that are looked at in a step. */
const valuesAStep = 2 ** 22;

function areFinite(values: Values['data']): boolean {
  // Zero times anything finite is zero, and the sum keeps what is not.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += 0 * values[i]!;
  return sum === 0;
}
