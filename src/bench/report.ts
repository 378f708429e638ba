/** One row a measurement, and how a row looks on paper. */

import type { Timing } from './interleave.js';
import { medianRatio, median as middle, relativeDifference } from './statistics.js';

/** One measurement. Times are milliseconds of processor time unless told otherwise. */
export interface Row {
  readonly name: string;
  readonly median?: number;
  readonly min?: number;
  /** Of median and min, where it is not milliseconds. */
  readonly unit?: 'MB';
  /** Ours over what it is held against; below 1 is better. */
  readonly ratio?: number;
  /** The ratio that is asked for at most. */
  readonly asked?: number;
  /** What it is held against. */
  readonly peer?: string;
  /** Largest difference of the two outputs, over the largest value. */
  readonly difference?: number;
  /** The least cosine of the two outputs, row by row. */
  readonly cosine?: number;
  /** Share of patches that fall to the same class. */
  readonly agreement?: number;
  /** Speed in words, such as `31.2 GFLOP/s`. */
  readonly rate?: string;
  /** Why there is no figure, or no peer. */
  readonly skipped?: string;
  readonly note?: string;
}

/** One candidate alone, in processor time. */
export const timed = (name: string, { cpu, wall }: Timing): Row => ({
  name,
  median: middle(cpu),
  min: Math.min(...cpu),
  note: `${Math.min(...wall).toFixed(1)} ms by the clock`,
});

/** What outputs of one benchmark may differ by, unless told: they are sums in another order, not other sums. */
export const usualDifference = 1e-4;

/**
 * `ours` held against `peer`: the ratio is the median of the rounds' own ratios.
 * @throws Error when the two did not compute the same.
 */
export function against(
  name: string,
  ours: Timing,
  peer: Timing,
  allowed = usualDifference,
): Row & { ratio: number; difference: number } {
  const difference = relativeDifference(ours.output, peer.output);
  if (!(difference <= allowed)) throw new Error(`${name}: outputs differ by ${difference} of the largest value`);
  return { ...timed(name, ours), ratio: medianRatio(ours.cpu, peer.cpu), difference };
}

const columns: readonly [heading: string, width: number, cell: (row: Row) => string][] = [
  ['', 36, ({ name }) => name],
  ['median', 10, ({ median }) => figure(median)],
  ['min', 10, ({ min }) => figure(min)],
  ['', 2, ({ median, unit = 'ms' }) => (median === undefined ? '' : unit)],
  ['ratio', 8, ({ ratio }) => ratio?.toFixed(3) ?? ''],
  ['asked', 9, verdict],
  ['difference', 11, ({ difference }) => difference?.toExponential(1) ?? ''],
  ['', 22, ({ peer, rate }) => rate ?? peer ?? ''],
  ['', 0, remarks],
];

const figure = (value: number | undefined) => value?.toFixed(value < 10 ? 3 : 1) ?? '';

function verdict({ ratio, asked }: Row): string {
  if (asked === undefined) return '';
  return ratio === undefined ? asked.toFixed(3) : `${ratio <= asked ? '<=' : 'NOT'} ${asked.toFixed(3)}`;
}

function remarks({ rate, peer, cosine, agreement, skipped, note }: Row): string {
  const parts = [
    rate !== undefined && peer,
    cosine !== undefined && `cosine ${cosine.toFixed(6)}`,
    agreement !== undefined && `argmax ${(100 * agreement).toFixed(1)} %`,
    skipped !== undefined && `skipped: ${skipped}`,
    note,
  ];
  return parts.filter(Boolean).join('; ');
}

/** The heading of the table of rows. */
export const headingLine = (): string => line(columns.map(([heading]) => heading));

/** A row of the table. */
export const rowLine = (row: Row): string => line(columns.map(([, , cell]) => cell(row)));

const line = (cells: readonly string[]): string =>
  cells
    .map((cell, i) => (i === 0 ? cell.padEnd(columns[0]![1]) : cell.padStart(columns[i]![1])))
    .join(' ')
    .trimEnd();
