/**
 * A training process of its own: `child.ts FOLDER [resume] [killAfter=N]`. Says `step N` after each step, and kills
 * itself after the one that is named.
 */
import { writeSync } from 'node:fs';
import { trainClip } from '../../src/train/clip/trainClip.js';
import { tinyConfig } from './tiny.js';

const [folder, ...flags] = process.argv.slice(2);
await trainClip(tinyConfig(), {
  folder: folder!,
  threads: 1,
  ...(flags.includes('resume') && { resume: folder! }),
  onStep({ step }) {
    writeSync(1, `step ${step}\n`);
    if (flags.includes(`killAfter=${step}`)) process.kill(process.pid, 'SIGKILL');
  },
  warn: text => void process.stderr.write(`${text}\n`),
});
