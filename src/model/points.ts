/**
 * Named intermediates of a run: seen, changed, or where to stop. Everything here lives for one call; the model keeps
 * no list of hooks.
 */
import { InputError, nearest } from '../errors.js';
import { named } from '../tensor/composite.js';
import { globSource } from '../tensor/glob.js';
import { clone, type Tensor, tidy } from '../tensor/tfjs.js';

/** Changes an intermediate; returning nothing leaves it as it is. The shape must stay. */
export type Patch = (value: Tensor, name: string) => Tensor | undefined;

export interface PointOptions {
  /**
   * Names or globs (`*`: any run of characters) of the intermediates to return, with or without `image.` or `text.`
   * in front.
   */
  see?: readonly string[];
  /** Intermediates to change on the way, by name or glob. */
  patch?: Readonly<Record<string, Patch>>;
  /** End the run as soon as everything in `see` has been computed. */
  stop?: boolean;
}

/** Intermediates by full name. */
export type Seen = Record<string, Tensor>;

/** Gives an intermediate its name; what comes back is the value to go on with. */
export type Point = <T extends Tensor>(name: string, value: T) => T;

export interface PointShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Ends a run early from within; never leaves this folder. */
class Stop extends Error {}

function matcher(pattern: string, tower: string): RegExp {
  const full = pattern.startsWith(`${tower}.`) ? pattern : `${tower}.${pattern}`;
  return new RegExp(`^${globSource(full)}$`);
}

/** The points of one run of one tower. `known` are all names that the model could visit, full and in order. */
export interface Points {
  readonly point: Point;
  /** The same, with a prefix for every name. */
  under(prefix: string): Point;
  /** What has been seen so far, by full name. */
  readonly seen: Seen;
  /** Takes over what another run of the same tower has visited and seen, for the names that `keep` allows. */
  adopt(other: Points, keep: (name: string) => boolean): void;
  readonly visited: ReadonlySet<string>;
  /** @throws InputError when a name, or all that a glob matches, was not visited. */
  finish(): void;
}

export function openPoints(tower: string, known: readonly string[], options: PointOptions = {}): Points {
  const { see = [], patch = {}, stop = false } = options;
  const wanted = see.map(pattern => ({ pattern, test: matcher(pattern, tower) }));
  const patches = Object.entries(patch).map(([pattern, change]) => ({
    pattern,
    change,
    test: matcher(pattern, tower),
  }));
  for (const { pattern, test } of [...wanted, ...patches]) {
    if (!known.some(name => test.test(name))) throw unknownPoint(pattern, tower, known);
  }
  const awaited = new Set(known.filter(name => wanted.some(({ test }) => test.test(name))));
  if (stop && awaited.size === 0) throw new InputError("stop: expected points to see before stopping; 'see' is empty");
  const seen: Seen = {};
  const visited = new Set<string>();

  const point: Point = (name, value) => {
    const full = `${tower}.${name}`;
    visited.add(full);
    let current = value;
    for (const { change, test } of patches) {
      if (test.test(full)) current = changed(full, current, change);
    }
    // A clone shares the values; the caller may dispose of what it sees without pulling the run's own tensors away.
    if (wanted.some(({ test }) => test.test(full))) seen[full] = clone(current);
    awaited.delete(full);
    named(full, current);
    if (stop && awaited.size === 0) throw new Stop();
    return current;
  };

  return {
    point,
    under: prefix => (name, value) => point(prefix + name, value),
    seen,
    visited,
    adopt(other, keep) {
      for (const name of other.visited) {
        if (!keep(name)) continue;
        visited.add(name);
        awaited.delete(name);
        const value = other.seen[name];
        if (value) seen[name] = clone(value);
      }
    },
    finish() {
      for (const { pattern, test } of [...wanted, ...patches]) {
        if (![...visited].some(name => test.test(name))) throw unvisitedPoint(pattern, tower, visited);
      }
    },
  };
}

function changed<T extends Tensor>(name: string, value: T, change: Patch): T {
  const result = change(value, name) ?? value;
  if (result === value) return value;
  if (String(result.shape) !== String(value.shape)) {
    throw new InputError(`patch '${name}': expected a tensor of shape [${value.shape}], got [${result.shape}]`);
  }
  if (result.dtype !== value.dtype) {
    throw new InputError(`patch '${name}': expected a tensor of ${value.dtype}, got ${result.dtype}`);
  }
  // A clone, because the run releases its intermediates and what the caller gave stays the caller's.
  return clone(result) as T;
}

/**
 * Runs `f`, releasing what it leaves behind except its result and what it made visible. A stop inside keeps what was
 * seen, then goes on outwards.
 */
export function scoped<T extends object>(points: Points, f: () => T): T {
  let stopped: Stop | undefined;
  const { result } = tidy(() => {
    let result: T | undefined;
    try {
      result = f();
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      stopped = error;
    }
    return { result, seen: { ...points.seen } };
  }) as { result: T };
  if (stopped) throw stopped;
  return result;
}

/** Runs `f` to its end, or to where the points said stop: then the result is undefined. */
export function untilStopped<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch (error) {
    if (error instanceof Stop) return undefined;
    throw error;
  }
}

function unknownPoint(pattern: string, tower: string, known: readonly string[]): InputError {
  const full = pattern.startsWith(`${tower}.`) ? pattern : `${tower}.${pattern}`;
  const close = nearest(full, known);
  const other = /^(image|text)\./.exec(pattern)?.[1];
  const hint =
    other && other !== tower
      ? ` (a point of the ${other} tower)`
      : `; nearest: ${(close.length > 0 ? close : known.slice(0, 3)).join(', ')}`;
  return new InputError(`${tower} tower: there is no point '${pattern}'${hint}`);
}

function unvisitedPoint(pattern: string, tower: string, visited: ReadonlySet<string>): InputError {
  const full = pattern.startsWith(`${tower}.`) ? pattern : `${tower}.${pattern}`;
  const close = nearest(full, visited);
  return new InputError(
    `${tower} tower: this run did not visit '${pattern}' (its block leaves that step out); ` +
      `nearest visited: ${(close.length > 0 ? close : [...visited].slice(-3)).join(', ')}`,
  );
}
