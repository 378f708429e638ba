/** `train clipself`: a model taught its own regions. */
import { loadClip } from '../../checkpoint/loadClip.js';
import { validationSeed } from '../../evaluate/heldOut.js';
import { regionAccuracy } from '../../evaluate/regions/regionAccuracy.js';
import { sceneRegions } from '../../evaluate/regions/scenes.js';
import { parseClipselfConfig, type TrainClipselfConfig } from '../../methods/clipself/config.js';
import { openClipself } from '../../methods/clipself/trainClipself.js';
import { openRunner } from '../../tensor/runner.js';
import type { TrainingKind } from './training.js';

export const clipselfTraining: TrainingKind = {
  about: 'clipself: a CLIP taught its own regions',
  check: parseClipselfConfig,
  async open(json, name, { model, threads }) {
    const config = parseClipselfConfig(json, name);
    const training = await openClipself(config);
    return {
      steps: training.steps,
      async run(options) {
        const result = await training.train({
          ...options,
          async evaluate(snapshot) {
            training.save(model, snapshot);
            return evaluateRegions(model, config, training.plan.size, threads);
          },
        });
        return { ...result, save: async () => training.save(model, result) };
      },
      close: training.close,
    };
  },
};

/**
 * How well a model folder names objects of held-out scenes, to watch a training by: mean class accuracy of colours and of
 * shapes, by boxes in the dense map, which should rise, and by crops, which should not fall.
 */
async function evaluateRegions(
  folder: string,
  { data, evaluation }: TrainClipselfConfig,
  size: number,
  threads: number | undefined,
): Promise<Record<string, number>> {
  const runner = await openRunner('ort', { host: 'worker', ...(threads !== undefined && { threads }) });
  const clip = await loadClip(folder, { weights: 'file' });
  const set = { seed: validationSeed, count: evaluation!.scenes };
  const scores: Record<string, number> = {};
  try {
    for (const classes of ['colours', 'shapes'] as const) {
      const dataset = sceneRegions(set, { classes, scenes: { ...data.scenes, size } });
      const { methods } = await regionAccuracy(clip, dataset, { readings: ['boxes', 'crops'], size }, runner);
      const { boxes, crops } = methods[0]!;
      scores[`${classes}Boxes`] = boxes!.thing.macc1 ?? Number.NaN;
      scores[`${classes}Crops`] = crops!.thing.macc1 ?? Number.NaN;
    }
    return scores;
  } finally {
    await runner.dispose();
    clip.dispose();
  }
}
