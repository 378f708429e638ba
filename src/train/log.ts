/** The log of a run: a JSON object a line, in the order of steps. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync } from 'node:fs';
import { InputError } from '../errors.js';
import { writeAtomic, writeWhole } from '../files/atomic.js';
import { reasonOf } from '../files/bytes.js';
import * as z from '../files/schema.js';
import type { StepReport } from './loop.js';

/** What an evaluation gave after a step. */
export interface EvaluationReport {
  readonly step: number;
  readonly evaluation: Readonly<Record<string, number>>;
}

/** A line of a log. */
export type LogEntry = StepReport | EvaluationReport;

export const isEvaluation = (entry: LogEntry): entry is EvaluationReport => 'evaluation' in entry;
export const isStep = (entry: LogEntry): entry is StepReport => !isEvaluation(entry);

const step = z.int().positive();
/** JSON has no number that is not finite, and `null` in its place. */
const values = z.record(
  z.string(),
  z.union([z.number(), z.literal(null)]).transform(value => value ?? Number.NaN),
);
const line = z.union([
  z.object({ step, evaluation: values }),
  z.object({
    step,
    loss: z.number(),
    metrics: values,
    rate: z.number(),
    imagesPerSecond: z.number(),
    seconds: z.number(),
  }),
]);

/** A log that is being written. */
export interface Log {
  write(entry: LogEntry): void;
  /** Waits until what was written is on the disk. */
  flush(): void;
  close(): void;
}

/** A log's lines, up to the first that is none, such as one that a crash cut off; none when there is no file. */
export function readLog(path: string): LogEntry[] {
  if (!existsSync(path)) return [];
  const entries: LogEntry[] = [];
  for (const text of guarded(`${path}: cannot be read`, () => readFileSync(path, 'utf8')).split('\n')) {
    const entry = parsed(text);
    if (!entry) break;
    entries.push(entry);
  }
  return entries;
}

function parsed(text: string): LogEntry | undefined {
  try {
    return line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * Opens a log that begins with these entries, whatever the file held.
 * @throws InputError when it cannot be written, here and later
 */
export function openLog(path: string, entries: readonly LogEntry[] = []): Log {
  writeAtomic(path, Buffer.from(entries.map(lineOf).join('')));
  const fault = `${path}: cannot be written`;
  const descriptor = guarded(fault, () => openSync(path, 'a'));
  return {
    write: entry => guarded(fault, () => writeWhole(descriptor, Buffer.from(lineOf(entry)))),
    flush: () => guarded(fault, () => fsyncSync(descriptor)),
    close: () => closeSync(descriptor),
  };
}

const lineOf = (entry: LogEntry): string => `${JSON.stringify(entry)}\n`;

function guarded<T>(fault: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw new InputError(`${fault}: ${reasonOf(error)}`);
  }
}
