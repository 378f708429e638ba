/** The configuration of `train clip`: a JSON file in which every key is known and nothing contradicts anything else. */

import { InputError, suggestion } from '../../errors.js';
import { issueText } from '../../files/issue.js';
import { readJson } from '../../files/jsonFile.js';
import { quoted } from '../../files/quote.js';
import * as z from '../../files/schema.js';
import { activations, type ClipConfig } from '../../model/config.js';
import { rolesOf } from '../../model/weights/roles.js';
import { captionOptions, sceneOptions, twinCount } from '../../scenes/options.js';
import { longestCaption, partsOf } from './sceneBatch.js';

const count = z.int().positive().max(1_000_000_000);
const size = z.int().positive().max(100_000);
const seed = z.int().nonnegative();
/** Scenes of later seeds are held out for evaluation. */
const trainingSeed = seed.max(2 ** 40 - 1);
const share = z.number().min(0).max(1);
/** As float32, what is smaller is little else than 0, and what is added to a variance of about 1 should not rule it. */
const epsilon = z.number().min(1e-12).max(1);
/** Decay of a running mean: at 1 it would never take anything in. */
const beta = z.number().min(0).lt(1);

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
    /** The highest learning rate. */
    rate: z.number().min(1e-9).max(1),
    /** Factor of the rate for the text tower; default 1. */
    textRate: z.exactOptional(share),
    /** Steps that it takes to get there. */
    warmup: z.int().nonnegative().default(0),
    /** Share of it that is left at the end. */
    floor: share.default(0),
    beta1: beta.default(0.9),
    beta2: beta.default(0.98),
    epsilon: epsilon.default(1e-6),
    decay: z.number().nonnegative().max(10).default(0.2),
    /** The most that all gradients together may be long. */
    clip: z.number().min(1e-6).max(1e6).default(1),
  }),
  evaluation: z.exactOptional(z.strictObject({ every: count, scenes: count.max(100_000).default(200) })),
  checkpoint: z.strictObject({ every: count, keep: count.max(1000).default(2) }).prefault({ every: 500 }),
  log: z.strictObject({ every: count }).prefault({ every: 10 }),
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
export function parseTrainConfig(json: unknown, name: string): TrainClipConfig {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new InputError(`${name}: ${faultIn(parsed.error.issues, json)}`);
  const config = parsed.data;
  const fault = contradiction(config);
  if (fault) throw new InputError(`${name}: ${fault.join(': ')}`);
  return config;
}

/** One fault of several: an unknown key first, for it may be the one that is missed elsewhere. */
function faultIn(issues: readonly z.core.$ZodIssue[], json: unknown): string {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
  if (issue.code !== 'unrecognized_keys') return issueText(issue, json);
  const path = issue.path.map(String);
  const [key] = issue.keys as [string];
  return `${quoted([...path, key].join('.'))}: unknown key${suggestion(key, keysAt(path))}`;
}

/** The keys that the schema knows under a path. */
function keysAt(path: readonly string[]): string[] {
  let at: unknown = schema;
  for (const key of path) {
    const inner = bare(at);
    at = inner instanceof z.ZodArray ? inner.element : (inner as z.ZodObject).shape[key];
  }
  return Object.keys((bare(at) as z.ZodObject).shape);
}

function bare(at: unknown): unknown {
  return at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodExactOptional
    ? bare(at.unwrap())
    : at;
}

/** The first key that contradicts another, and how. */
function contradiction(config: TrainClipConfig): readonly [key: string, fault: string] | undefined {
  const { model, data, steps, optimiser } = config;
  for (const [name, { width, heads }] of Object.entries({ image: model.image, text: model.text })) {
    if (width % heads !== 0) return [`'model.${name}.width'`, `${width} is no multiple of its ${heads} heads`];
  }
  const { imageSize, patch, width } = model.image;
  if (imageSize % patch !== 0) return ["'model.image.imageSize'", `${imageSize} is no multiple of the patch, ${patch}`];
  if (model.positions === 'sine' && width % 4 !== 0) {
    return ["'model.positions'", `sine needs an image width that is a multiple of 4, got ${width}`];
  }
  if (optimiser.warmup >= steps) {
    return ["'optimiser.warmup'", `${optimiser.warmup} steps leave none of the ${steps} to fall in`];
  }
  return sizeFault(config) ?? orderFault(config) ?? stageFault(config) ?? contextFault(data.stages, model.text.context);
}

/** What would not fit into memory, nor into an array. */
function sizeFault(config: TrainClipConfig): readonly [string, string] | undefined {
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

function orderFault({ data, steps }: TrainClipConfig): readonly [string, string] | undefined {
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

function stageFault({ data, model }: TrainClipConfig): readonly [string, string] | undefined {
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

function contextFault(
  stages: TrainClipConfig['data']['stages'],
  context: number,
): readonly [string, string] | undefined {
  const longest = longestCaption(stages);
  if (longest <= context) return undefined;
  return ["'model.text.context'", `captions take up to ${longest} tokens, got ${context}`];
}

/** What the check of another module has against a value. */
function faultOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}
