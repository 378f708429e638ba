/** What a recorded function may return, and how its tensors are named. */
import { InputError } from '../../errors.js';
import { TensorClass } from '../internals.js';
import type { Tensor } from '../tfjs.js';

/**
 * A tensor, or tensors in lists and records nested as one likes. No type says so without shutting out interfaces; what
 * is in it is checked when the function has returned.
 */
export type Structure = object;

/** The same structure with something else in the place of every tensor. */
export type Mapped<S, To> = S extends Tensor ? To : { -readonly [K in keyof S]: Mapped<S[K], To> };

/** A tensor of a structure, by the path of keys and indices that leads to it. */
export interface Leaf {
  readonly path: readonly string[];
  readonly tensor: Tensor;
}

/** The tensors of what a function returned, in order. @throws InputError when it holds anything else, or nothing. */
export function leavesOf(result: unknown, path: readonly string[] = []): Leaf[] {
  if (result instanceof TensorClass) return [{ path, tensor: result }];
  const where = path.length === 0 ? '' : ` at '${path.join('.')}'`;
  if (result instanceof Promise || typeof (result as { then?: unknown } | null)?.then === 'function') {
    // Nobody waits for what is still to come of it: its failure would end the process.
    if (result instanceof Promise) result.catch(() => {});
    throw new InputError('compile: expected a function that returns at once, got a promise; leave out async and await');
  }
  if (!isStructure(result)) {
    throw new InputError(`compile: expected tensors, or lists and records of tensors, got ${describe(result)}${where}`);
  }
  if (path.length > deepest)
    throw new InputError('compile: expected tensors in lists and records, got one that holds itself');
  const leaves = Object.entries(result).flatMap(([key, part]) => leavesOf(part, [...path, key]));
  if (leaves.length === 0 && path.length === 0) {
    throw new InputError('compile: expected a function that returns tensors, got an empty result');
  }
  return leaves;
}

/** No structure is as deep as this that has an end. */
const deepest = 100;

/** Whether a value is a list or a record; what else holds others, such as a map, would lose them. */
const isStructure = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && (Array.isArray(value) || !(Symbol.iterator in value));

function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'object') return `a ${value.constructor?.name || 'list of another kind'}`;
  return `a ${typeof value}`;
}

/**
 * A name for each path: its last key where no other path ends in it, else the whole path, joined by dots. So
 * `{ tokens, seen: { 'image.ln_pre': … } }` names its tensors `tokens` and `image.ln_pre`.
 *
 * @param taken names that are something else's.
 */
export function outputNames(paths: readonly (readonly string[])[], taken: readonly string[] = []): string[] {
  const counts = new Map<string, number>();
  const used = new Set(taken);
  for (const path of paths) {
    const key = path.at(-1) ?? '';
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return paths.map(path => {
    const key = path.at(-1) ?? '';
    const plain = counts.get(key) === 1 && key !== '' && !/^\d+$/.test(key) && !used.has(key);
    const whole = ['output', ...path].join('.');
    let name = plain ? key : whole;
    for (let n = 2; used.has(name); n++) name = `${whole}.${n}`;
    used.add(name);
    return name;
  });
}

/** Builds the structure that `paths` came from, with other leaves. `like` is the original. */
export function restructure<To>(like: unknown, leaves: readonly To[]): unknown {
  let next = 0;
  const build = (part: unknown): unknown => {
    if (part instanceof TensorClass || part === leafMark) return leaves[next++];
    if (Array.isArray(part)) return part.map(build);
    return Object.fromEntries(Object.entries(part as object).map(([key, inner]) => [key, build(inner)]));
  };
  return build(like);
}

const leafMark = Symbol('leaf');

/** The shape of a structure without its tensors, to be filled by `restructure`. */
export const skeleton = (result: unknown): unknown =>
  restructure(result, Array<typeof leafMark>(leavesOf(result).length).fill(leafMark));
