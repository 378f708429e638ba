/** The configuration of `train clip`: a JSON file in which every key is known and nothing contradicts anything else. */
import { readJson } from '../../files/jsonFile.js';
import * as z from '../../files/schema.js';
import { activations, type ClipConfig } from '../../model/config.js';
import { rolesOf } from '../../model/weights/roles.js';
import { captionOptions, sceneOptions, twinCount } from '../../scenes/options.js';
import {
  type Contradiction,
  count,
  epsilon,
  faultOf,
  optimiserKeys,
  parseConfig,
  rate,
  runKeys,
  seed,
  share,
  size,
  trainingSeed,
  warmup,
  warmupFault,
} from '../configFile.js';
import { restartFault } from '../schedule.js';
import { longestCaption, partsOf } from './sceneBatch.js';

/** Values of a batch's pixels, 1 GiB of them; the step and those drawn ahead take several times as much. */
const mostPixelValues = 2 ** 28;
/** Parameters, 1 GiB of them; with their gradients and moments they take at least four times as much. */
const mostParameters = 2 ** 28;
/** Attention scores of one block in a batch, 1 GiB of them; the backward pass keeps those of every block. */
const mostScores = 2 ** 28;

const tower = {
  width: size,
  layers: size.max(1000),
  heads: size,
  mlpWidth: size,
  activation: z.enum(Object.keys(activations) as (keyof typeof activations)[]).default('quick_gelu'),
  layerNormEpsilon: epsilon.default(1e-5),
};

const stage = z.strictObject({
  fromStep: count,
  share: z.number().positive().default(1),
  scenes: z
    .strictObject({
      objects: z.exactOptional(z.tuple([count, count])),
      radius: z.exactOptional(z.tuple([z.number(), z.number()])),
      leaveOut: z.exactOptional(z.enum(['pairs', 'shapes'])),
    })
    .default({}),
  captions: z
    .strictObject({
      colour: z.exactOptional(share),
      texture: z.exactOptional(share),
      background: z.exactOptional(share),
      leftOut: z.exactOptional(share),
      shapeAlone: z.exactOptional(share),
    })
    .default({}),
  twins: count.max(twinCount).default(1),
  classDropout: z.exactOptional(share),
});

const schema = z.strictObject({
  /** Of the weights at the beginning. */
  seed: seed.default(0),
  model: z.strictObject({
    embedding: size,
    /** How the image tower's positions begin. */
    positions: z.enum(['random', 'sine']).default('random'),
    image: z.strictObject({ ...tower, patch: size, imageSize: size }),
    text: z.strictObject({ ...tower, context: size }),
  }),
  data: z.strictObject({ seed: trainingSeed, batch: count.max(100_000), stages: z.array(stage).min(1) }),
  steps: count,
  optimiser: z.strictObject({
    rate,
    /** Factor of the rate for the text tower; default 1. */
    textRate: z.exactOptional(share),
    warmup: warmup.default(0),
    /** Where the rate falls anew, and from where. */
    restarts: z.exactOptional(z.array(z.strictObject({ fromStep: count, rate })).max(100)),
    ...optimiserKeys({ beta2: 0.98, epsilon: 1e-6, decay: 0.2 }),
    /** The most that all gradients together may be long. */
    clip: z.number().min(1e-6).max(1e6).default(1),
  }),
  ...runKeys,
});

/** A configuration with every default filled in. */
export type TrainClipConfig = z.infer<typeof schema>;

/** CLIP's own vocabulary and way of finding a sentence's end. */
const clipText = { vocabulary: 49408, pooling: 'largest-id' } as const;

/** The model that a configuration describes. */
export function modelConfig({ model: { embedding, image, text } }: TrainClipConfig): ClipConfig {
  return { embedding, image, text: { ...text, ...clipText } };
}

/** Reads a configuration from a JSON file. @throws InputError in one line that names the file, the key and the fault */
export const readTrainConfig = (path: string): TrainClipConfig => parseTrainConfig(readJson(path), path);

/**
 * Checks a configuration and fills in what it leaves out.
 * @param name what error messages call it
 * @throws InputError in one line that names the key and the fault
 */
export const parseTrainConfig = (json: unknown, name: string): TrainClipConfig =>
  parseConfig(schema, json, name, contradiction);

/** The first key that contradicts another, and how. */
function contradiction(config: TrainClipConfig): Contradiction | undefined {
  const { model, data, steps, optimiser } = config;
  for (const [name, { width, heads }] of Object.entries({ image: model.image, text: model.text })) {
    if (width % heads !== 0) return [`'model.${name}.width'`, `${width} is no multiple of its ${heads} heads`];
  }
  const { imageSize, patch, width } = model.image;
  if (imageSize % patch !== 0) return ["'model.image.imageSize'", `${imageSize} is no multiple of the patch, ${patch}`];
  if (model.positions === 'sine' && width % 4 !== 0) {
    return ["'model.positions'", `sine needs an image width that is a multiple of 4, got ${width}`];
  }
  return (
    warmupFault(optimiser, steps) ??
    restartsFault(config) ??
    sizeFault(config) ??
    orderFault(config) ??
    stageFault(config) ??
    contextFault(data.stages, model.text.context)
  );
}

function restartsFault({ optimiser, steps }: TrainClipConfig): Contradiction | undefined {
  const { restarts = [], ...rest } = optimiser;
  const fault = restartFault({ ...rest, restarts, steps });
  return fault === undefined ? undefined : ["'optimiser.restarts'", fault];
}

/** What would not fit into memory, nor into an array. */
function sizeFault(config: TrainClipConfig): Contradiction | undefined {
  const { batch } = config.data;
  const { imageSize } = config.model.image;
  const values = 3 * batch * imageSize ** 2;
  if (values > mostPixelValues) {
    const most = Math.floor(mostPixelValues / (3 * imageSize ** 2));
    return ["'data.batch'", `expected at most ${most} pictures of ${imageSize} x ${imageSize} pixels, got ${batch}`];
  }
  const { patch, heads } = config.model.image;
  const scores = batch * heads * (1 + (imageSize / patch) ** 2) ** 2;
  if (scores > mostScores) {
    const most = `at most ${mostScores} attention scores a block, got ${scores}`;
    return ["'model.image.patch'", `expected ${most}: batch x heads x tokens x tokens`];
  }
  const shapes = [...rolesOf(modelConfig(config)).values()];
  const parameters = shapes.reduce((sum, shape) => sum + shape.reduce((size, side) => size * side, 1), 0);
  if (parameters <= mostParameters) return undefined;
  return [
    "'model'",
    `expected at most ${mostParameters} parameters, the table of all words included, got ${parameters}`,
  ];
}

function orderFault({ data, steps }: TrainClipConfig): Contradiction | undefined {
  for (const [i, { fromStep }] of data.stages.entries()) {
    const key = `'data.stages.${i}.fromStep'`;
    const before = data.stages[i - 1]?.fromStep;
    if (before === undefined && fromStep !== 1) return [key, `the first stage begins with step 1, got ${fromStep}`];
    if (before !== undefined && fromStep < before) {
      return [key, `the stage before begins with step ${before}, later than this one, got ${fromStep}`];
    }
    if (fromStep > steps) return [key, `${fromStep} is never reached in ${steps} steps`];
  }
  return undefined;
}

function stageFault({ data, model }: TrainClipConfig): Contradiction | undefined {
  for (const [i, stage] of data.stages.entries()) {
    const { fromStep, share, twins, scenes, captions } = stage;
    const key = (rest: string) => `'data.stages.${i}.${rest}'`;
    const { pictures } = partsOf(data, fromStep).find(part => part.stage === stage)!;
    if (!Number.isInteger(pictures) || pictures === 0) {
      const part = `${share} makes ${pictures} of the ${data.batch} pictures of a batch`;
      return [key('share'), `${part}, expected a whole number of at least 1`];
    }
    if (pictures % twins !== 0) {
      return [key('twins'), `expected a share of the batch that is a multiple of ${twins}, got ${pictures} pictures`];
    }
    const sceneFault = faultOf(() => sceneOptions({ ...scenes, size: model.image.imageSize }));
    if (sceneFault) return [key('scenes'), sceneFault];
    const captionFault = faultOf(() => captionOptions(captions));
    if (captionFault) return [key('captions'), captionFault];
  }
  return undefined;
}

function contextFault(stages: TrainClipConfig['data']['stages'], context: number): Contradiction | undefined {
  const longest = longestCaption(stages);
  if (longest <= context) return undefined;
  return ["'model.text.context'", `captions take up to ${longest} tokens, got ${context}`];
}
