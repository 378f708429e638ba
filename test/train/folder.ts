/** What is looked at in the folder of a run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLog } from '../../src/train/log.js';

/** A log without what depends on the clock. */
export const timeless = (folder: string): unknown[] =>
  readLog(join(folder, 'log.jsonl')).map(entry => ({ ...entry, seconds: 0, imagesPerSecond: 0 }));

/** A checkpoint's bytes behind its header, in which the seconds differ. */
export function weightsIn(folder: string, step: number): Buffer {
  const bytes = readFileSync(checkpointOf(folder, step));
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE()));
}

export const checkpointOf = (folder: string, step: number) =>
  join(folder, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`);
