import { InputError } from '../errors.js';

/** A learning rate that rises in a straight line and falls along half a cosine. */
export interface Schedule {
  /** The highest rate. */
  readonly rate: number;
  /** Steps that it takes to get there. */
  readonly warmup: number;
  /** Steps in all. */
  readonly steps: number;
  /** Share of the highest rate at which the fall ends; default 0. */
  readonly floor?: number;
}

/**
 * The learning rate of each step, counted from 1 (Loshchilov and Hutter, arXiv 1608.03983, without restarts; OpenCLIP's
 * `cosine_lr` where `floor` is 0).
 * @throws InputError for a rate that is not above 0, a floor that is no share, or a warm-up that leaves no step to fall in
 */
export function cosineSchedule({ rate, warmup, steps, floor = 0 }: Schedule): (step: number) => number {
  if (!(rate > 0 && Number.isFinite(rate))) throw new InputError(`schedule: expected a rate above 0, got ${rate}`);
  if (!(floor >= 0 && floor <= 1)) throw new InputError(`schedule: expected a floor from 0 to 1, got ${floor}`);
  if (!(Number.isInteger(warmup) && Number.isInteger(steps) && warmup >= 0 && warmup < steps)) {
    throw new InputError(`schedule: expected a warm-up of fewer than the ${steps} steps, got ${warmup}`);
  }
  return step => {
    if (step <= warmup) return rate * (step / warmup);
    const done = Math.min(1, (step - 1 - warmup) / (steps - warmup));
    return rate * (floor + ((1 - floor) * (1 + Math.cos(Math.PI * done))) / 2);
  };
}
