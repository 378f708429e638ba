/** `train clip`, and what it leaves: a model folder like any other. */
import { join } from 'node:path';
import { writeModelFolder } from '../../checkpoint/convert.js';
import { loadClip } from '../../checkpoint/loadClip.js';
import { validationSeed } from '../../evaluate/heldOut.js';
import { segmentScenes } from '../../evaluate/sceneSegmentation.js';
import { zeroShotScenes } from '../../evaluate/zeroShot.js';
import { writeAtomic } from '../../files/atomic.js';
import { fromFloat32 } from '../../files/dtype.js';
import type { TensorData } from '../../files/tensorFile.js';
import { clipPreprocess } from '../../image/preprocessSpec.js';
import { scenePixelScale } from '../../scenes/batch.js';
import { sceneShapes } from '../../scenes/world.js';
import { methodByName } from '../../segment/methods.js';
import type { Mapped, Values } from '../../tensor/compile.js';
import { openRunner } from '../../tensor/runner.js';
import type { ClipState } from '../../train/clip/clipTask.js';
import { clipTensors } from '../../train/clip/clipTensors.js';
import { modelConfig, parseTrainConfig, type TrainClipConfig } from '../../train/clip/config.js';
import type { TrainedWeights } from '../../train/clip/initial.js';
import { trainClip } from '../../train/clip/trainClip.js';
import { sceneVocabulary } from '../../train/clip/vocabulary.js';
import type { Snapshot } from '../../train/loop.js';
import { byTurns, type Steps, turn } from '../../turns.js';
import type { TrainingKind } from './training.js';

export const clipTraining: TrainingKind = {
  about: 'clip: a CLIP on procedural scenes',
  check: parseTrainConfig,
  async open(json, name, { model, threads }) {
    // Its captions' lengths take the vocabulary of a tokenizer.
    await turn();
    const config = parseTrainConfig(json, name);
    await turn();
    const save = ({ state }: Snapshot<ClipState>) => writeTrainedModel(model, config, state.weights);
    return {
      steps: config.steps,
      async run(options) {
        const result = await trainClip(config, {
          ...options,
          async evaluate(snapshot) {
            await save(snapshot);
            return evaluateModel(model, config.evaluation!.scenes, threads);
          },
        });
        return { ...result, save: () => save(result) };
      },
      close() {},
    };
  },
};

/** Writes weights as a Hugging Face style folder in float16, with prompts and sizes that suit them. */
export async function writeTrainedModel(
  folder: string,
  config: TrainClipConfig,
  weights: Mapped<TrainedWeights, Values>,
): Promise<void> {
  const model = modelConfig(config);
  const { imageSize } = config.model.image;
  const { ids } = sceneVocabulary();
  const tensors: [string, TensorData][] = [];
  for (const [name, { shape, data }] of clipTensors(model, ids, weights)) {
    tensors.push([name, { dtype: 'F16', shape, bytes: await byTurns(halves(data)) }]);
  }
  writeModelFolder(folder, {
    name: folder,
    config: model,
    preprocessor: { ...clipPreprocess(imageSize), ...scenePixelScale },
    tensors: new Map(tensors),
    dtype: 'F16',
  });
  const settings = {
    about:
      'Knows the words of its procedural scenes and no others. Sizes: windows as large as its training images, over the picture at twice that.',
    // A name may be a colour, a shape or both, or a background.
    templates: ['a {}', ...sceneShapes.flatMap(shape => [`a {} ${shape}`, `a ${shape} on {}`])],
    protocol: { shortSide: 2 * imageSize, window: imageSize, stride: Math.floor(imageSize / 2) },
  };
  writeAtomic(join(folder, 'clipscope.json'), Buffer.from(`${JSON.stringify(settings, undefined, 2)}\n`));
}

/** Values that become float16 in a step. */
const valuesAStep = 2 ** 20;

function* halves(values: Float32Array): Steps<Uint8Array> {
  const bytes = new Uint8Array(2 * values.length);
  for (let at = 0; at < values.length; at += valuesAStep) {
    bytes.set(fromFloat32('F16', values.subarray(at, at + valuesAStep)), 2 * at);
    yield;
  }
  return bytes;
}

/** Segmenting a scene takes as long as classifying this many: so many fewer are segmented. */
const segmentedIn = 10;

/**
 * What a model folder scores on scenes to watch a training by: shares named rightly, and the mIoU of SCLIP's attention,
 * the simplest to need no training, by colours and by shapes.
 */
async function evaluateModel(
  folder: string,
  scenes: number,
  threads: number | undefined,
): Promise<Record<string, number>> {
  const runner = await openRunner('ort', { host: 'worker', ...(threads !== undefined && { threads }) });
  const clip = await loadClip(folder, { weights: 'file' });
  const seed = validationSeed;
  try {
    const named = await zeroShotScenes(clip, { count: scenes, seed }, runner);
    const mIoU = async (kind: 'colours' | 'shapes') => {
      const set = { count: Math.ceil(scenes / segmentedIn), seed };
      const [scores] = await segmentScenes(clip, kind, [methodByName('sclip')], set, { runner });
      return scores!.mIoU;
    };
    return { ...named, coloursMIoU: await mIoU('colours'), shapesMIoU: await mIoU('shapes') };
  } finally {
    await runner.dispose();
    clip.dispose();
  }
}
