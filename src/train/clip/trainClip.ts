/** `train clip`: what a configuration says, put together. */
import { ensureEngine } from '../../tensor/engine.js';
import { enableGradients } from '../../tensor/gradients.js';
import { createTokenizer } from '../../tokenizer/tokenizer.js';
import { type RunOptions, type RunResult, trainInFolder } from '../run.js';
import { cosineSchedule } from '../schedule.js';
import type { TrainTask } from '../task.js';
import { sceneBatches } from './batches.js';
import { type ClipState, clipTask } from './clipTask.js';
import { modelConfig, type TrainClipConfig } from './config.js';
import { longestCaption, type SceneBatchPlan } from './sceneBatch.js';
import { sceneVocabulary } from './vocabulary.js';

/** What is not the configuration's business. */
export type TrainClipOptions = Pick<
  RunOptions<ClipState>,
  'folder' | 'resume' | 'until' | 'threads' | 'onStep' | 'signal' | 'warn'
> & {
  /** What to do with the weights as often as the configuration's `evaluation` says. */
  readonly evaluate?: NonNullable<RunOptions<ClipState>['evaluate']>['run'];
};

/** Batches of a configuration. */
export const planOf = ({ data, model }: TrainClipConfig): SceneBatchPlan => ({
  ...data,
  size: model.image.imageSize,
  tokens: longestCaption(data.stages),
});

/** The task of a configuration, on the words of scenes alone; starts the default engine when none has been started. */
export async function taskOf(config: TrainClipConfig): Promise<TrainTask<ClipState>> {
  await ensureEngine();
  enableGradients();
  const { image, text, embedding } = modelConfig(config);
  const vocabulary = sceneVocabulary(createTokenizer()).ids.length;
  const { beta1, beta2, epsilon, decay, textRate, clip } = config.optimiser;
  return clipTask(
    { embedding, image: image!, text: { ...text!, vocabulary } },
    {
      batch: config.data.batch,
      tokens: longestCaption(config.data.stages),
      seed: config.seed,
      positions: config.model.positions,
      adamW: { beta1, beta2, epsilon, decay, ...(textRate !== undefined && { factors: { text: textRate } }) },
      clip,
    },
  );
}

/**
 * Trains a CLIP on scenes, in a folder.
 * @throws InputError as `trainInFolder` does
 */
export async function trainClip(config: TrainClipConfig, options: TrainClipOptions): Promise<RunResult<ClipState>> {
  const { evaluate, ...rest } = options;
  const { steps, checkpoint, log, optimiser, evaluation } = config;
  const task = await taskOf(config);
  const source = sceneBatches(planOf(config));
  try {
    return await trainInFolder(task, source, {
      ...rest,
      config,
      steps,
      checkpoint,
      log,
      rate: cosineSchedule({ ...optimiser, steps }),
      ...(evaluate && evaluation && { evaluate: { every: evaluation.every, run: evaluate } }),
    });
  } finally {
    await source.close();
  }
}
