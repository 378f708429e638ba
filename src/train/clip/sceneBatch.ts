/** Training batches of scenes: what is in the batch of a step, and the drawing of it. */
import { drawScenes } from '../../scenes/batch.js';
import { sceneCaption } from '../../scenes/caption.js';
import { type SceneCanvas, sceneCanvas } from '../../scenes/draw.js';
import { type CaptionOptions, type SceneOptions, sceneOptions } from '../../scenes/options.js';
import { type Scene, sceneAt } from '../../scenes/scene.js';
import { sceneBackgrounds, sceneColours, sceneShapes, sceneTextures } from '../../scenes/world.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { clipTokenizer, sceneVocabulary } from './vocabulary.js';

/** A part of a curriculum. Stages that begin with the same step share its batches. */
export interface Stage {
  /** The step, counted from 1, that it begins with; it lasts until the next begins. */
  readonly fromStep: number;
  /** Its part of a batch, beside the shares of stages that begin with the same step; default 1. */
  readonly share?: number;
  readonly scenes?: Omit<SceneOptions, 'size' | 'twin'>;
  readonly captions?: CaptionOptions;
  /** How many twins of each scene stand in a batch: the same but for the objects' shapes. Default 1. */
  readonly twins?: number;
  /** Share of its pictures whose class token enters the last block as it entered the first; see `clipTask`. Default 0. */
  readonly classDropout?: number;
}

/** What batches consist of. Plain data, so that it passes between threads. */
export interface SceneBatchPlan {
  /** Scenes are those of this seed, each used once. */
  readonly seed: number;
  /** Pictures a batch. */
  readonly batch: number;
  /** Pixels of a picture's side. */
  readonly size: number;
  /** Token ids a caption, padding included; see `longestCaption`. */
  readonly tokens: number;
  /** In order, the first from step 1. */
  readonly stages: readonly Stage[];
}

/** What one drawing thread keeps between batches. */
export interface Studio {
  readonly canvas: SceneCanvas;
  readonly tokenizer: Tokenizer;
}

/** What a batch is drawn into. */
export interface BatchMemory {
  readonly pixels: Float32Array<ArrayBuffer>;
  readonly ids: Int32Array<ArrayBuffer>;
  /** 1 for pictures of a stage's `classDropout`, else 0. */
  readonly dropped: Float32Array<ArrayBuffer>;
}

/** What `drawBatch` draws with. */
export const openStudio = ({ size }: SceneBatchPlan): Studio => ({
  canvas: sceneCanvas(size),
  tokenizer: sceneVocabulary().tokenizer,
});

/** Memory for one batch. */
export const batchMemory = ({ batch, size, tokens }: SceneBatchPlan): BatchMemory => ({
  pixels: new Float32Array(batch * 3 * size * size),
  ids: new Int32Array(batch * tokens),
  dropped: new Float32Array(batch),
});

/** Pictures of one kind in a batch. */
export interface BatchPart {
  readonly stage: Stage;
  readonly pictures: number;
}

/** What the batch of a step consists of. */
export function partsOf({ stages, batch }: Pick<SceneBatchPlan, 'stages' | 'batch'>, step: number): BatchPart[] {
  const { fromStep } = stages.findLast(stage => stage.fromStep <= step)!;
  const current = stages.filter(stage => stage.fromStep === fromStep);
  const whole = current.reduce((sum, { share = 1 }) => sum + share, 0);
  return current.map(stage => ({ stage, pictures: unrounded((batch * (stage.share ?? 1)) / whole) }));
}

/** Shares such as 0.1 are no exact binary numbers: what is a whole number but for that is one. */
function unrounded(pictures: number): number {
  const whole = Math.round(pictures);
  return Math.abs(pictures - whole) < 1e-7 ? whole : pictures;
}

/** The numbers of the first and the last scene of a step's batch. Numbers that twins leave unused stay so. */
export function scenesOfStep(plan: SceneBatchPlan, step: number): readonly [first: number, last: number] {
  const first = (step - 1) * plan.batch;
  const count = partsOf(plan, step).reduce((sum, { stage, pictures }) => sum + pictures / (stage.twins ?? 1), 0);
  return [first, first + count - 1];
}

/**
 * Draws the batch of a step: pixels `[batch, 3, size, size]` as `preprocess` would give them, and the captions' ids in
 * the vocabulary of scenes, `[batch, tokens]` with zeros behind, and which pictures lose their class token. Those are
 * spread evenly over a stage's, whose scenes are random as they are.
 */
export function drawBatch(
  plan: SceneBatchPlan,
  step: number,
  { canvas, tokenizer }: Studio,
  { pixels, ids, dropped }: BatchMemory,
): void {
  const { seed, size, tokens } = plan;
  const scenes: Scene[] = [];
  ids.fill(0);
  let [number] = scenesOfStep(plan, step);
  for (const { stage, pictures } of partsOf(plan, step)) {
    const { scenes: options, captions = {}, twins = 1, classDropout = 0 } = stage;
    const first = scenes.length;
    for (const end = first + pictures; scenes.length < end; number++) {
      for (let twin = 0; twin < twins; twin++) {
        const scene = sceneAt(seed, number, { ...options, size, twin });
        const caption = sceneCaption(scene, 0, captions);
        ids.set(tokenizer.encode(caption, { contextLength: tokens }), scenes.length * tokens);
        const place = scenes.length - first;
        dropped[scenes.length] = Math.floor((place + 1) * classDropout) - Math.floor(place * classDropout);
        scenes.push(scene);
      }
    }
  }
  drawScenes(scenes, pixels, { canvas });
}

/** Tokens of the longest caption that the stages can draw, start and end included. */
export function longestCaption(stages: readonly Stage[]): number {
  const tokenizer = clipTokenizer();
  const count = (text: string) => tokenizer.encode(text).length - 2;
  const most = (names: readonly string[]) => Math.max(...names.map(count));
  const object = count('a') + most(sceneColours) + most(sceneTextures) + most(sceneShapes);
  const place = count('in front of') + most(sceneBackgrounds);
  const objects = Math.max(...stages.map(({ scenes }) => sceneOptions(scenes ?? {}).objects[1]));
  return 2 + objects * object + (objects - 1) * count('and') + place;
}
