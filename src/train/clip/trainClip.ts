/** `train clip`: what a configuration says, put together. */
import { ensureEngine } from '../../tensor/engine.js';
import { enableGradients } from '../../tensor/gradients.js';
import { type ConfiguredOptions, trainAsConfigured } from '../configuredRun.js';
import type { RunResult } from '../run.js';
import type { TrainTask } from '../task.js';
import { sceneBatches } from './batches.js';
import { type ClipState, clipTask } from './clipTask.js';
import { modelConfig, type TrainClipConfig } from './config.js';
import { longestCaption, type SceneBatchPlan } from './sceneBatch.js';
import { sceneVocabulary } from './vocabulary.js';

/** What is not the configuration's business. */
export type TrainClipOptions = ConfiguredOptions<ClipState>;

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
  const vocabulary = sceneVocabulary().ids.length;
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
  const task = await taskOf(config);
  return trainAsConfigured(task, sceneBatches(planOf(config)), config, { steps: config.steps }, options);
}
