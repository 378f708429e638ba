/**
 * What tails read of the ordinary blocks, as a value to be kept and handed on: between two compiled functions, from one
 * experiment to the next, or through a file.
 */
import type { Grid } from '../attention/attention.js';
import { InputError } from '../errors.js';
import {
  concat,
  type Pattern,
  reshape,
  slice,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  type Tokens,
} from '../tensor/tfjs.js';
import type { InputSpec } from '../tensor/trace/signature.js';
import type { ImageConfig } from './config.js';
import {
  type BlockRange,
  type Reads,
  rangeName,
  type Stream,
  statesFor,
  towerRotary,
  type Variant,
} from './imageTower.js';

/** Tokens with the class token apart, so that the grid is in the shape. */
export interface State {
  /** `[b, w]`. */
  readonly classToken: Tensor2D;
  /** `[b, rows, columns, w]`. */
  readonly patches: Tensor4D;
}

/** The shared part of a run, from the pixels to where tails set in. */
export interface Prefix {
  /** What enters each block that was asked for, by its index. */
  readonly states: Readonly<Record<number, State>>;
  /** Mean attention patterns `[b, h, 1 + n, 1 + n]`, by first and last block: `5-8`. */
  readonly patterns: Readonly<Record<string, Pattern>>;
}

/** All that is read in any of these ways, each once and in order. */
export function joinReads(all: readonly Reads[]): Required<Reads> {
  const states = [...new Set(all.flatMap(reads => reads.states))].sort((a, b) => a - b);
  const ranges = new Map(all.flatMap(({ patterns = [] }) => patterns.map(range => [rangeName(range), range] as const)));
  return { states, patterns: [...ranges.values()].sort((a, b) => a.start - b.start || a.end - b.end) };
}

/** What the tails of these variants read. */
export const readsOf = (config: ImageConfig, variants: readonly Variant[]): Required<Reads> =>
  joinReads(variants.map(variant => ({ states: statesFor(config, variant) })));

/** @throws InputError for blocks that the tower has not, or nothing to read. */
export function checkReads({ layers }: ImageConfig, { states, patterns = [] }: Reads): void {
  if (states.length + patterns.length === 0)
    throw new InputError('prefix: expected states or patterns to read, got none');
  for (const i of states) {
    if (Number.isInteger(i) && i >= 0 && i <= layers) continue;
    throw new InputError(`prefix: expected states from 0 to ${layers}, got ${i}`);
  }
  for (const { start, end } of patterns) {
    if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= layers) continue;
    throw new InputError(`prefix: expected patterns of blocks within 0 to ${layers}, got ${start} to ${end}`);
  }
}

/** A stream as a prefix. */
export function prefixOf({ grid, states, patterns }: Stream): Prefix {
  const apart = (x: Tokens): State => {
    const [b, n, w] = x.shape;
    return {
      classToken: reshape(slice(x, [0, 0, 0], [b, 1, w]), [b, w]),
      patches: reshape(slice(x, [0, 1, 0], [b, n - 1, w]), [b, grid.rows, grid.columns, w]),
    };
  };
  return {
    states: Object.fromEntries([...states].map(([i, x]) => [i, apart(x)])),
    patterns: Object.fromEntries(patterns),
  };
}

/** A state's tokens, `[b, 1 + n, w]`, class token first. */
function tokensOf({ classToken, patches }: State): Tokens {
  const [b, rows, columns, w] = patches.shape;
  return concat([reshape<Tensor3D>(classToken, [b, 1, w]), reshape<Tensor3D>(patches, [b, rows * columns, w])], 1);
}

/** The grid that all states of a prefix have. @throws InputError when it is not the same, or a shape fits no other. */
function gridOfPrefix({ width, heads }: ImageConfig, { states, patterns }: Prefix): Grid {
  const all = Object.entries(states);
  const first = all[0]?.[1].patches.shape;
  if (!first) throw new InputError('tails: expected a prefix with states, got none');
  const [b, rows, columns] = first;
  for (const [i, { classToken, patches }] of all) {
    expectShape(`state ${i}: patches`, patches, [b, rows, columns, width]);
    expectShape(`state ${i}: class token`, classToken, [b, width]);
  }
  const n = 1 + rows * columns;
  for (const [name, pattern] of Object.entries(patterns)) {
    expectShape(`pattern ${name}`, pattern, [b, heads, n, n]);
  }
  return { rows, columns };
}

function expectShape(what: string, { shape }: Tensor, expected: readonly number[]): void {
  if (String(shape) === String(expected)) return;
  throw new InputError(`tails: ${what}: expected [${expected.join(', ')}], got [${shape.join(', ')}]`);
}

/** A prefix as a stream for the tails of these variants. @throws InputError when they read what it does not hold. */
export function streamOf(config: ImageConfig, prefix: Prefix, variants: readonly Variant[]): Stream {
  const grid = gridOfPrefix(config, prefix);
  const { states } = readsOf(config, variants);
  const lacking = states.find(i => !prefix.states[i]);
  if (lacking !== undefined) {
    const held = Object.keys(prefix.states).join(', ');
    throw new InputError(`tails: a variant reads what enters block ${lacking}; the prefix holds ${held}`);
  }
  return {
    grid,
    rotary: towerRotary(config, grid),
    states: new Map(states.map(i => [i, tokensOf(prefix.states[i]!)])),
    patterns: new Map(),
  };
}

/** The tensors of a prefix in a fixed order: of each state the class token and the patches, then the patterns. */
export const prefixTensors = ({ states, patterns }: Required<Reads>, prefix: Prefix): Tensor[] => [
  ...states.flatMap(i => [prefix.states[i]!.classToken, prefix.states[i]!.patches]),
  ...patterns.map(range => prefix.patterns[rangeName(range)]!),
];

/** What `prefixTensors` gives, by name. */
export const prefixNames = ({ states, patterns }: Required<Reads>): string[] => [
  ...states.flatMap(i => [`states.${i}.classToken`, `states.${i}.patches`]),
  ...patterns.map(range => `patterns.${rangeName(range)}`),
];

/** The prefix whose tensors these are: the way back from `prefixTensors`. */
export function prefixFrom({ states, patterns }: Required<Reads>, tensors: readonly Tensor[]): Prefix {
  const stateAt = (at: number): State => ({
    classToken: tensors[2 * at] as Tensor2D,
    patches: tensors[2 * at + 1] as Tensor4D,
  });
  const patternAt = (at: number) => tensors[2 * states.length + at] as Pattern;
  return {
    states: Object.fromEntries(states.map((i, at) => [i, stateAt(at)])),
    patterns: Object.fromEntries(patterns.map((range: BlockRange, at) => [rangeName(range), patternAt(at)])),
  };
}

/** The signature of a function that takes `prefixTensors`. */
export const prefixInputs = ({ width, heads }: ImageConfig, { states, patterns }: Required<Reads>): InputSpec[] => [
  ...states.flatMap((): InputSpec[] => [{ shape: ['batch', width] }, { shape: ['batch', 'rows', 'columns', width] }]),
  ...patterns.map((): InputSpec => ({ shape: ['batch', heads, 'tokens', 'tokens'] })),
];
