/**
 * A distillation in a process of its own: `child.ts MODEL FOLDER [resume] [killAfter=N]`. Says `step N` after each step,
 * and kills itself after the one that is named.
 */
import { writeSync } from 'node:fs';
import { openClipself } from '../../../src/methods/clipself/trainClipself.js';
import { tinyConfig } from './tiny.js';

const [model, folder, ...flags] = process.argv.slice(2);
const training = await openClipself(tinyConfig(model!));
await training.train({
  folder: folder!,
  threads: 1,
  ...(flags.includes('resume') && { resume: folder! }),
  onStep({ step }) {
    writeSync(1, `step ${step}\n`);
    if (flags.includes(`killAfter=${step}`)) process.kill(process.pid, 'SIGKILL');
  },
  warn: text => void process.stderr.write(`${text}\n`),
});
training.close();
