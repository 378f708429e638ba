/** The work that our processes do, by name. Each is loaded when it is asked for: starting a process is measured too. */

import type { Work } from './work.js';

export const tasks = {
  block: async (given: import('./block.js').BlockGiven): Promise<Work> => (await import('./block.js')).block(given),
  clipStep: async (given: import('./clipStep.js').ClipStepGiven): Promise<Work> =>
    (await import('./clipStep.js')).clipStep(given),
  clipselfStep: async (given: import('./clipselfStep.js').ClipselfStepGiven): Promise<Work> =>
    (await import('./clipselfStep.js')).clipselfStep(given),
  evaluate: async (given: import('./evaluate.js').EvaluateGiven): Promise<Work> =>
    (await import('./evaluate.js')).evaluate(given),
  evaluateStage: async (given: import('./evaluateStage.js').EvaluateStageGiven): Promise<Work> =>
    (await import('./evaluateStage.js')).evaluateStage(given),
  image: async (given: import('./image.js').ImageGiven): Promise<Work> => (await import('./image.js')).image(given),
  linear: async (given: import('./linear.js').LinearGiven): Promise<Work> =>
    (await import('./linear.js')).linear(given),
  resize: async (given: import('./resize.js').ResizeGiven): Promise<Work> =>
    (await import('./resize.js')).resize(given),
  step: async (given: import('./step.js').StepGiven): Promise<Work> => (await import('./step.js')).step(given),
};

type Tasks = typeof tasks;
/** What a process is given: the name of its work, and what that takes. */
export type Given = {
  [Name in keyof Tasks]: {
    readonly task: Name;
    /** Everything is done in a run, as in a process that is started for one image. */
    readonly fresh?: boolean;
  } & Parameters<Tasks[Name]>[0];
}[keyof Tasks];
