/** `train clipself`: what a configuration, its model and its pictures say, put together. */
import { createHash } from 'node:crypto';
import { type LoadedClip, loaded } from '../../checkpoint/assemble.js';
import { type OpenModel, openModel } from '../../checkpoint/loadClip.js';
import { InputError } from '../../errors.js';
import type { ImageConfig } from '../../model/config.js';
import { sceneOptions } from '../../scenes/options.js';
import { startEngine } from '../../tensor/engine.js';
import { enableGradients } from '../../tensor/gradients.js';
import { getBackend } from '../../tensor/tfjs.js';
import { faultOf, warmupFault } from '../../train/configFile.js';
import { type ConfiguredOptions, trainAsConfigured } from '../../train/configuredRun.js';
import type { Snapshot } from '../../train/loop.js';
import type { RunResult } from '../../train/run.js';
import { configHash } from '../../train/runFile.js';
import type { TrainTask } from '../../train/task.js';
import type { RegionPlan } from './batch.js';
import { clipselfBatches } from './batches.js';
import type { TrainClipselfConfig } from './config.js';
import { findPictures, hashPictures, type PictureSet, stepsOfEpoch } from './pictures.js';
import { writeDistilled } from './save.js';
import { type ClipselfState, clipselfTask } from './task.js';

/** What is not the configuration's business. */
export type TrainClipselfOptions = ConfiguredOptions<ClipselfState>;

/** A training with its model open. */
export interface ClipselfTraining {
  readonly steps: number;
  readonly task: TrainTask<ClipselfState>;
  readonly plan: RegionPlan;
  /**
   * Trains in a folder.
   * @throws InputError as `trainInFolder` does
   */
  train(options: TrainClipselfOptions): Promise<RunResult<ClipselfState>>;
  /** Writes a model folder out of a state, mixed with the teacher as the configuration says; see `writeDistilled`. */
  save(folder: string, snapshot: Pick<Snapshot<ClipselfState>, 'state'>): void;
  /** Frees the model and closes its file. */
  close(): void;
}

/** The published student sees so many patches along a side. */
const publishedPatches = 64;
/** Values of each array of a batch, 1 GiB of them. */
const mostValues = 2 ** 28;
/** Attention scores of one block, 2 GiB of them; the backward pass keeps those of every block. */
const mostScores = 2 ** 29;

/**
 * Opens the model of a configuration and finds its pictures; starts an engine when none has been started.
 * @throws InputError when the model cannot be loaded or has no image tower, there are no pictures, or a configured number
 *   does not fit them
 */
export async function openClipself(config: TrainClipselfConfig): Promise<ClipselfTraining> {
  // Tensors hold nothing but the start, and the graph runs elsewhere: plain arrays are given back, WebAssembly's memory is not.
  if (!getBackend()) await startEngine('cpu');
  enableGradients();
  const { data, optimiser, train: parts, windows, alpha } = config;
  const model = openModel(config.model);
  let teacher: LoadedClip | undefined;
  try {
    const image = imageOf(model);
    const pictures = data.images === undefined ? undefined : findPictures(data.images, data.boxes);
    const plan = planOf(config, model, image, pictures);
    const steps = config.steps ?? (config.epochs ?? 6) * stepsOfEpoch(pictures!, data.batch);
    refuse(modelFault(config, image, plan.size) ?? warmupFault(optimiser, steps));
    const inputs = { model: hashModel(model), ...(pictures && { pictures: hashPictures(pictures) }) };
    teacher = loaded(model, { weights: 'file' }, () => {
      throw new Error('clipself: no texts are encoded');
    });
    const { beta1, beta2, epsilon, decay } = optimiser;
    const task = clipselfTask(teacher, {
      ...parts,
      ...(windows && { windows }),
      batch: plan.batch,
      size: plan.size,
      adamW: { beta1, beta2, epsilon, decay },
    });
    return {
      steps,
      task,
      plan,
      train: options =>
        trainAsConfigured(task, clipselfBatches(plan, options.warn), config, { steps, inputs }, options),
      save: (folder, { state }) => writeDistilled(folder, model, state.weights, { alpha, ...(windows && { windows }) }),
      close: teacher.dispose,
    };
  } catch (error) {
    if (teacher) teacher.dispose();
    else model.file.close();
    throw error;
  }
}

function imageOf({ config, name }: OpenModel): ImageConfig {
  if (config.image) return config.image;
  throw new InputError(`model '${name}': expected a checkpoint with the image tower; it has none`);
}

function planOf(
  { seed, data }: TrainClipselfConfig,
  { preprocessor }: OpenModel,
  { patch, imageSize }: ImageConfig,
  pictures: PictureSet | undefined,
): RegionPlan {
  const { batch, regions, maxSplit, maxRegions, scenes } = data;
  const { rescale, mean, std } = preprocessor;
  return {
    seed,
    batch,
    size: data.size ?? publishedPatches * patch,
    patch,
    cropSize: imageSize,
    regions,
    maxSplit,
    maxRegions,
    cropScale: data.cropScale ?? (regions === 'grid' ? 1 : 1.5),
    rescale,
    mean,
    std,
    ...(scenes && { scenes }),
    ...(pictures && { pictures }),
  };
}

/** @throws InputError when there is a fault: a key, and what is wrong with it */
function refuse(fault: readonly [key: string, fault: string] | undefined): void {
  if (fault) throw new InputError(`train clipself: ${fault.join(': ')}`);
}

/** The first key that does not suit the model. */
function modelFault(
  { data, train, windows }: TrainClipselfConfig,
  { patch, layers, heads, imageSize }: ImageConfig,
  size: number,
): readonly [key: string, fault: string] | undefined {
  const { batch, maxRegions, scenes } = data;
  if (size % patch !== 0) return ["'data.size'", `${size} is no multiple of the model's patch, ${patch}`];
  if (train.layers !== undefined && train.layers > layers) {
    return ["'train.layers'", `expected at most the model's ${layers} blocks, got ${train.layers}`];
  }
  const beyond = windows?.global.find(block => block >= layers);
  if (beyond !== undefined)
    return ["'windows.global'", `expected blocks 0 to ${layers - 1} of the model, got ${beyond}`];
  const sceneFault = scenes && faultOf(() => sceneOptions({ ...scenes, size }));
  if (sceneFault) return ["'data.scenes'", sceneFault];
  const values = 3 * batch * Math.max(size ** 2, maxRegions * imageSize ** 2);
  if (values > mostValues) {
    return ["'data.batch'", `expected at most ${mostValues} values of pixels a step, got ${values}`];
  }
  const weights = batch * maxRegions * batch * (size / patch) ** 2;
  if (weights > mostValues) {
    return [
      "'data.batch'",
      `expected at most ${mostValues} weights of patches a step, got ${weights}: all regions x all patches`,
    ];
  }
  const scores = batch * heads * (1 + (size / patch) ** 2) ** 2;
  if (scores <= mostScores) return undefined;
  return [
    "'data.size'",
    `expected at most ${mostScores} attention scores a block, got ${scores}: batch x heads x tokens x tokens`,
  ];
}

/** A hash of what a run begins with: all tensors, the network they are for, and how pixels become numbers. */
function hashModel({ file, config, preprocessor }: OpenModel): string {
  const hash = createHash('sha256').update(configHash({ config, preprocessor }));
  for (const [name, { dtype, shape }] of file.tensors) {
    hash.update(JSON.stringify([name, dtype, shape])).update(file.read(name).bytes);
  }
  return hash.digest('hex');
}
