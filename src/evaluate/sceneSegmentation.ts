/** Segmentation of scenes by several methods at once, held against what was drawn. */
import { rgbPicture } from '../image/picture.js';
import { drawScene, sceneCanvas } from '../scenes/draw.js';
import { sceneLabels } from '../scenes/labels.js';
import type { SceneOptions } from '../scenes/options.js';
import { sceneAt } from '../scenes/scene.js';
import { type SceneClassKind, sceneClassNames } from '../scenes/world.js';
import type { Method } from '../segment/methods.js';
import { openSegmenter, promptsFor, type SegmentingClip } from '../segment/segmenter.js';
import { textFeatures } from '../segment/textFeatures.js';
import { fromNames } from '../segment/vocabulary.js';
import { engineRunner, type Runner } from '../tensor/runner.js';
import { countPixels, emptyConfusion, type Scores, scoresOf } from './confusion.js';
import { type SceneSet, sceneSet } from './heldOut.js';

/** What a method scored. */
export interface MethodScores extends Scores {
  readonly name: string;
}

export interface SceneSegmentationOptions {
  /** What computes; default: the engine that is active. */
  readonly runner?: Runner;
  /** How the scenes are drawn; by default as training's last, one to three objects at 96 pixels. */
  readonly scenes?: Omit<SceneOptions, 'twin'>;
}

/**
 * Segments held-out scenes with the class list `kind` and the 6 backgrounds. Sizes and prompts are the model's own, or
 * the first method's where it brings none; the shared blocks run once for all methods.
 * @returns scores, a method each, in their order
 * @throws InputError for no scenes, no methods, or a model that `segment` cannot use
 */
export async function segmentScenes(
  clip: SegmentingClip,
  kind: SceneClassKind,
  methods: readonly Method[],
  set: SceneSet,
  { runner = engineRunner, scenes = {} }: SceneSegmentationOptions = {},
): Promise<MethodScores[]> {
  const { seed, count } = sceneSet(set);
  const vocabulary = fromNames(sceneClassNames(kind));
  const segmenter = await openSegmenter(clip, methods, { runner });
  try {
    const prompts = promptsFor(clip, methods[0]!.protocol);
    const texts = await textFeatures(clip, vocabulary.queries, prompts, { runner });
    const confusions = methods.map(() => emptyConfusion(vocabulary.classes.length));
    for (let i = 0; i < count; i++) {
      const scene = sceneAt(seed, i, scenes);
      const canvas = sceneCanvas(scene.size);
      drawScene(scene, canvas);
      const truth = sceneLabels(scene, canvas, kind);
      const picture = rgbPicture(scene.size, scene.size, canvas.pixels);
      for (const [m, { labels }] of (await segmenter.segment(picture, vocabulary, { texts })).entries()) {
        countPixels(confusions[m]!, truth, labels);
      }
    }
    return methods.map(({ name }, m) => ({ name, ...scoresOf(confusions[m]!) }));
  } finally {
    await segmenter.dispose();
  }
}
