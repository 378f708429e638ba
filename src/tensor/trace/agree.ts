/**
 * What several recordings of one function say of the same thing, as one: what is equal stays, and a number that differs
 * is a linear function of the batch size or an error.
 */
import { InputError } from '../../errors.js';
import { type Dim, type Source, showShape } from './graph.js';
import type { Traced } from './kernels/kernel.js';

/** The batch size of each recording; all the same where the batch is not free. */
export type Batches = readonly number[];

const isFree = (batches: Batches): boolean => new Set(batches).size > 1;

/** The same positions of several lists, together. */
export const zip = <T>(lists: readonly (readonly T[])[]): T[][] => lists[0]!.map((_, i) => lists.map(list => list[i]!));

/** The error of recordings that differ in what must be the same. */
export function disagreement(batches: Batches, what: string): InputError {
  return new InputError(
    isFree(batches)
      ? `compile: ${what} depends on the batch size in a way that one graph cannot hold; give the batch as a number`
      : `compile: ${what} differs from one call of the function to the next; make what is random or changes an input`,
  );
}

/** Numbers as a function of the batch size; undefined when they are no linear one of whole numbers. */
export function linearInBatch(batches: Batches, numbers: readonly number[]): Dim | undefined {
  const [n, m] = numbers as [number, number];
  if (numbers.every(number => number === n)) return n;
  const [a, b] = batches as [number, number];
  const factor = (m - n) / (b - a);
  const offset = n - factor * a;
  const holds = numbers.every((number, i) => number === factor * batches[i]! + offset);
  return holds && Number.isInteger(factor) && Number.isInteger(offset) ? { factor, offset } : undefined;
}

/** Lists of sizes as one. `of` says whose they are, for the message. */
export function agreedSizes(batches: Batches, lists: readonly (readonly number[])[], of: string): Dim[] {
  if (new Set(lists.map(({ length }) => length)).size > 1) throw disagreement(batches, `the number of axes of ${of}`);
  return zip(lists).map(sizes => {
    const size = linearInBatch(batches, sizes);
    if (size === undefined) throw disagreement(batches, `a size of ${of}`);
    return size;
  });
}

export const agreedShape = (batches: Batches, values: readonly Traced[], of: string): Dim[] =>
  agreedSizes(
    batches,
    values.map(({ shape }) => shape),
    of,
  );

/** Where constants come from that no node makes. */
export function agreedSource(batches: Batches, values: readonly Traced[], of: string): Source {
  const sources = values.map(({ source }) => source);
  const [first] = sources;
  if (!first || sources.some(source => source?.kind !== first.kind)) {
    throw disagreement(batches, `what ${of} works on`);
  }
  if (first.kind === 'ints') {
    const lists = (sources as (typeof first)[]).map(({ ints }) => ints);
    return { kind: 'ints', ints: agreedSizes(batches, lists, of) };
  }
  if (sources.every(source => sameSource(first, source!))) return first;
  const what = `a constant ${showShape(agreedShape(batches, values, of))} that ${of} works on`;
  const why = isFree(batches) ? 'is random or follows the batch size' : 'is another at each call, as random ones are';
  throw new InputError(`compile: ${what} ${why}; make it an input, or compute it with tensors`);
}

export function sameSource(a: Source<number>, b: Source<number>): boolean {
  if (a.kind === 'tensor') return b.kind === 'tensor' && a.id === b.id;
  if (a.kind === 'file') {
    return b.kind === 'file' && a.slice.path === b.slice.path && a.slice.offset === b.slice.offset;
  }
  if (a.kind !== 'data' || b.kind !== 'data' || a.data.length !== b.data.length) return false;
  return (a.data as Float32Array).every((element, i) => Object.is(element, b.data[i]));
}
