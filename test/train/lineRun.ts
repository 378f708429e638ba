/** Runs of `lineTask` in a folder: six steps, a checkpoint and a line every two. */
import { type RunOptions, type RunResult, trainInFolder } from '../../src/train/run.js';
import { type LineState, lineSource, lineTask } from './tiny.js';

export type LineOptions = Partial<RunOptions<LineState>>;

export const lineConfig = { steps: 6, optimiser: { rate: 0.1, beta: [0.9, 0.98] } };

/** A way to run, and the warnings that runs gave since they were last taken. */
export function lineRuns(task = lineTask) {
  const warnings: string[] = [];
  const run = (folder: string, options: LineOptions = {}): Promise<RunResult<LineState>> =>
    trainInFolder(task, lineSource(), {
      folder,
      config: lineConfig,
      steps: 6,
      rate: step => 0.1 / step,
      threads: 1,
      checkpoint: { every: 2, keep: 2 },
      log: { every: 2 },
      evaluate: { every: 3, run: async ({ step }) => ({ share: step / 10 }) },
      warn: text => void warnings.push(text),
      ...options,
    });
  return { run, taken: () => warnings.splice(0) };
}
