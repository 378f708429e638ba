/** Checkpoints of a run in a folder: the last few, each whole or not there. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { reasonOf } from '../files/bytes.js';
import { makeFolder, namesIn } from '../files/folder.js';
import type { Structure } from '../tensor/compile.js';
import { byTurns } from '../turns.js';
import type { Snapshot } from './loop.js';
import { readState, writeState } from './stateFile.js';

/** Where the checkpoints of a run go. */
export interface CheckpointFolder<State> {
  /** Writes a checkpoint, removes those before the last few, and tells its path; the event loop turns meanwhile. */
  save(snapshot: Snapshot<State>): Promise<string>;
}

const digits = 8;
const nameOf = (step: number): string => `step-${String(step).padStart(digits, '0')}.safetensors`;

/** What a process that was killed while it wrote may have left. */
const unfinished = /^\..*\.tmp$|\.partial$/;

/** Steps that there are checkpoints of, the last first. */
function stepsIn(folder: string): number[] {
  const found = namesIn(folder).map(name => /^step-(\d+)\.safetensors$/.exec(name)?.[1]);
  return found
    .filter(step => step !== undefined)
    .map(Number)
    .sort((a, b) => b - a);
}

/**
 * Opens a folder to write checkpoints to, made if need be. What an earlier process left unfinished there is removed, and
 * so is any checkpoint of a later step than `from`, which the run will come to again.
 * @param keep how many there are at most
 * @param config a hash of the configuration
 */
export function openCheckpoints<State>(
  folder: string,
  { keep, config, from }: { keep: number; config: string; from: number },
): CheckpointFolder<State> {
  makeFolder(folder);
  const remove = (name: string) => rmSync(join(folder, name), { force: true });
  for (const name of namesIn(folder)) if (unfinished.test(name)) remove(name);
  for (const step of stepsIn(folder)) if (step > from) remove(nameOf(step));
  return {
    async save(snapshot) {
      const path = join(folder, nameOf(snapshot.step));
      const partial = `${path}.partial`;
      try {
        await byTurns(writeState(partial, snapshot, config));
        await flush(partial);
        renameSync(partial, path);
        await flushFolder(folder);
      } catch (error) {
        rmSync(partial, { force: true });
        const before = stepsIn(folder).find(step => step < snapshot.step);
        const kept = before === undefined ? 'there is no earlier one' : `${nameOf(before)} is whole`;
        const reason = error instanceof InputError ? error.message : `${path}: cannot be written: ${reasonOf(error)}`;
        throw new InputError(`${reason}; ${kept}`);
      }
      for (const step of stepsIn(folder).slice(keep)) remove(nameOf(step));
      return path;
    },
  };
}

/**
 * The last checkpoint that is sound; undefined where none was written yet.
 * @param like tensors in the structure of the state
 * @param warn is told of each later one that is not
 * @throws InputError when there are some and none is sound
 */
export function lastCheckpoint<State extends Structure>(
  folder: string,
  like: State,
  config: string,
  warn: (text: string) => void,
): Snapshot<State> | undefined {
  const steps = existsSync(folder) ? stepsIn(folder) : [];
  const faults: string[] = [];
  for (const step of steps) {
    try {
      const found = readState(join(folder, nameOf(step)), like, config);
      for (const fault of faults) warn(`${fault}; going on from ${nameOf(step)} instead`);
      return found;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      faults.push(error.message);
    }
  }
  if (faults.length === 0) return undefined;
  throw new InputError(`${faults[0]}; no other checkpoint there is sound; start anew`);
}

/** Waits until a file's content is on the disk: a rename alone may get there first. */
async function flush(path: string, flags = 'r+'): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The same for the names in a folder; Windows cannot. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform !== 'win32') await flush(path, 'r');
}
