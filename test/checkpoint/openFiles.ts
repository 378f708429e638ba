import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { expect } from 'chai';
import { withoutLeak } from '../engine.js';

/** The model files this process holds open, by path; none where the system does not tell. */
export function openModelFiles(): string[] {
  if (!existsSync('/proc/self/fd')) return [];
  const paths = readdirSync('/proc/self/fd').map(descriptor => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return ''; // The one that listed the folder is closed by now.
    }
  });
  return paths.filter(path => /\.(safetensors|pt|bin|json)$/.test(path));
}

/** Runs `work` and throws when it leaves a tensor or an open model file behind. */
export async function leavingNothing<T>(work: () => T | Promise<T>): Promise<T> {
  const before = openModelFiles();
  const result = await withoutLeak(work);
  expect(openModelFiles(), 'open files').to.deep.equal(before);
  return result;
}
