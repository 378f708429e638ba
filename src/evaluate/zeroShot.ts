/** Zero-shot classification of scenes of one object: what a model knows of each attribute. */

import { InputError } from '../errors.js';
import type { PreprocessSpec } from '../image/preprocessSpec.js';
import type { Clip } from '../model/clip.js';
import { drawScenes } from '../scenes/batch.js';
import { type Scene, sceneAt } from '../scenes/scene.js';
import {
  objectClass,
  objectClassNames,
  type SceneClassKind,
  sceneBackgrounds,
  sceneColours,
  sceneShapes,
} from '../scenes/world.js';
import { textFeatures } from '../segment/textFeatures.js';
import { engineRunner, type Runner } from '../tensor/runner.js';
import type { Pixels } from '../tensor/tfjs.js';
import type { Tokenizer } from '../tokenizer/index.js';
import { type SceneSet, sceneSet } from './heldOut.js';

/** Shares of scenes named rightly. */
export interface ZeroShot {
  /** Of 6. */
  readonly background: number;
  /** Of 8. */
  readonly colour: number;
  /** Of 10. */
  readonly shape: number;
  /** Of 80. */
  readonly thing: number;
}

/** What it takes to classify. */
export type ZeroShotClip = Pick<Clip, 'config' | 'image' | 'textIds'> & {
  readonly tokenizer: Tokenizer;
  readonly preprocessor: PreprocessSpec;
};

/** Scenes at once. */
const batch = 50;

/** What is asked about a scene: names, captions that they stand in, and which name is the right one. */
interface Question {
  readonly names: readonly string[];
  readonly prompts: readonly string[];
  answer(scene: Scene): number;
}

const ofObject = (kind: SceneClassKind): Pick<Question, 'names' | 'answer'> => ({
  names: objectClassNames(kind),
  answer: ({ objects: [object] }) => objectClass(kind, object!.colour, object!.shape),
});

/**
 * Captions that say nothing else for sure: a name stands in those of all shapes, or all colours, and their mean is what
 * an image is compared with (prompt ensembles, Radford et al. 2021, section 3.1.4).
 */
const questions: Readonly<Record<keyof ZeroShot, Question>> = {
  background: {
    names: sceneBackgrounds,
    prompts: sceneShapes.map(shape => `a ${shape} on {}`),
    answer: ({ background }) => sceneBackgrounds.indexOf(background),
  },
  colour: { ...ofObject('colours'), prompts: sceneShapes.map(shape => `a {} ${shape}`) },
  shape: { ...ofObject('shapes'), prompts: ['a {}', ...sceneColours.map(colour => `a ${colour} {}`)] },
  thing: { ...ofObject('things'), prompts: ['a {}'] },
};

/**
 * Classifies scenes of one object each at the model's own size, of the usual radii.
 * @throws InputError for no scenes, or a model that lacks a tower or a context that holds the captions
 */
export async function zeroShotScenes(
  clip: ZeroShotClip,
  set: SceneSet,
  runner: Runner = engineRunner,
): Promise<ZeroShot> {
  const { seed, count } = sceneSet(set);
  const { image } = clip.config;
  if (!image) throw new InputError('zeroShotScenes: expected a model with an image tower; this one has none');
  const options = { size: image.imageSize, objects: [1, 1] } as const;
  const scenes = Array.from({ length: count }, (_, i) => sceneAt(seed, i, options));
  const images = await imageFeatures(clip, scenes, runner);
  const shareRight = async ({ names, prompts, answer }: Question): Promise<number> => {
    const { values, width } = await textFeatures(clip, names, prompts, { runner });
    const isRight = (scene: Scene, i: number) =>
      nearest(images.subarray(i * width, (i + 1) * width), values) === answer(scene);
    return scenes.filter(isRight).length / count;
  };
  return {
    background: await shareRight(questions.background),
    colour: await shareRight(questions.colour),
    shape: await shareRight(questions.shape),
    thing: await shareRight(questions.thing),
  };
}

/** `[scenes, embedding]`. */
async function imageFeatures(
  { config, image, preprocessor: { mean, std } }: ZeroShotClip,
  scenes: readonly Scene[],
  { prepare }: Runner,
): Promise<Float32Array> {
  const { size } = scenes[0]!;
  const values = 3 * size * size;
  const run = await prepare((pixels: Pixels) => image(pixels).embedding, [{ shape: ['batch', 3, size, size] }]);
  const features = new Float32Array(scenes.length * config.embedding);
  try {
    for (let from = 0; from < scenes.length; from += batch) {
      const group = scenes.slice(from, from + batch);
      const pixels = new Float32Array(group.length * values);
      drawScenes(group, pixels, { mean, std });
      const { data } = await run({ data: pixels, shape: [group.length, 3, size, size] });
      features.set(data, from * config.embedding);
    }
  } finally {
    await run.dispose();
  }
  return features;
}

/** The row of a table that a vector's product with is the largest. @throws InputError when the model gives no numbers. */
function nearest(vector: Float32Array, table: Float32Array): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let at = 0, row = 0; at < table.length; row++) {
    let dot = 0;
    for (let e = 0; e < vector.length; e++) dot += vector[e]! * table[at++]!;
    if (dot > most) [most, best] = [dot, row];
  }
  if (most > Number.NEGATIVE_INFINITY) return best;
  throw new InputError('zeroShotScenes: the model gives features that are not finite; its weights are broken');
}
