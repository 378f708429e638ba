import { InputError } from '../errors.js';

/** A learning rate that rises in a straight line and falls along half a cosine. */
export interface Schedule {
  /** The highest rate. */
  readonly rate: number;
  /** Steps that it takes to get there. */
  readonly warmup: number;
  /** Steps in all. */
  readonly steps: number;
  /** Share of `rate` at which the fall ends; default 0. */
  readonly floor?: number;
  /** Where it falls anew, from another rate, in the order of the steps; a fall ends where the next begins. */
  readonly restarts?: readonly Restart[];
}

/** A warm restart. */
export interface Restart {
  readonly fromStep: number;
  readonly rate: number;
}

/**
 * The learning rate of each step, counted from 1 (Loshchilov and Hutter, arXiv 1608.03983; OpenCLIP's `cosine_lr` where
 * `floor` is 0 and nothing restarts).
 * @throws InputError for a rate that is not above 0, a floor that is no share, a warm-up that leaves no step to fall in,
 *   or restarts out of order, outside the steps, or below the floor
 */
export function cosineSchedule({ rate, warmup, steps, floor = 0, restarts = [] }: Schedule): (step: number) => number {
  if (!(rate > 0 && Number.isFinite(rate))) throw new InputError(`schedule: expected a rate above 0, got ${rate}`);
  if (!(floor >= 0 && floor <= 1)) throw new InputError(`schedule: expected a floor from 0 to 1, got ${floor}`);
  if (!(Number.isInteger(warmup) && Number.isInteger(steps) && warmup >= 0 && warmup < steps)) {
    throw new InputError(`schedule: expected a warm-up of fewer than the ${steps} steps, got ${warmup}`);
  }
  const fault = restartFault({ rate, warmup, steps, floor, restarts });
  if (fault) throw new InputError(`schedule: ${fault}`);
  const falls = [{ fromStep: warmup + 1, rate }, ...restarts];
  return step => {
    if (step <= warmup) return rate * (step / warmup);
    const at = falls.findLastIndex(({ fromStep }) => fromStep <= step);
    const { fromStep, rate: highest } = falls[at]!;
    const end = falls[at + 1]?.fromStep ?? steps + 1;
    const done = Math.min(1, (step - fromStep) / (end - fromStep));
    const share = highest === rate ? floor : (floor * rate) / highest;
    return highest * (share + ((1 - share) * (1 + Math.cos(Math.PI * done))) / 2);
  };
}

/** What is wrong with a schedule's restarts, if anything. */
export function restartFault({ rate, warmup, steps, floor = 0, restarts = [] }: Schedule): string | undefined {
  let before = warmup + 1;
  for (const { fromStep, rate: highest } of restarts) {
    if (!(Number.isInteger(fromStep) && fromStep > before && fromStep <= steps)) {
      return `expected a restart after step ${before}, of ${steps}, got ${fromStep}`;
    }
    if (!(highest > 0 && Number.isFinite(highest) && highest >= floor * rate)) {
      return `expected a restart at a rate above the lowest, ${floor * rate}, got ${highest}`;
    }
    before = fromStep;
  }
  return undefined;
}
