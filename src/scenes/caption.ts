import { type CaptionOptions, captionOptions, checkNumber } from './options.js';
import { nextBelow, nextChance, type RandomState, randomStream } from './random.js';
import { type Scene, type SceneObject, streams } from './scene.js';

const prepositions = ['on', 'over', 'in front of'] as const;

/**
 * Caption number `draw` of a scene: `a [colour] [texture] shape`, joined by `and` in random order, sometimes without
 * one of the objects, then sometimes `on`, `over` or `in front of` the background. Always `a`, also before `orange`,
 * as a prompt's template would have it. Twins of a scene get the same words but for the shapes.
 * @throws InputError for a `draw` that is no whole number, or an option that is no probability
 */
export function sceneCaption(scene: Scene, draw = 0, options: CaptionOptions = {}): string {
  checkNumber('draw', draw);
  const chances = captionOptions(options);
  const state = randomStream(scene.seed, scene.index, streams.caption, draw);
  const shapeAlone = nextChance(state, chances.shapeAlone);
  const objects = shuffled(state, scene.objects);
  if (nextChance(state, chances.leftOut) && objects.length > 1) objects.pop();
  const named = objects.map(object => nameOf(state, object, chances, shapeAlone)).join(' and ');
  if (shapeAlone || !nextChance(state, chances.background)) return named;
  return `${named} ${prepositions[nextBelow(state, prepositions.length)]} ${scene.background}`;
}

function nameOf(
  state: RandomState,
  { colour, texture, shape }: SceneObject,
  chances: Required<CaptionOptions>,
  shapeAlone: boolean,
): string {
  const withColour = nextChance(state, chances.colour) && !shapeAlone;
  const withTexture = nextChance(state, chances.texture) && !shapeAlone && texture !== 'plain';
  return ['a', withColour && colour, withTexture && texture, shape].filter(Boolean).join(' ');
}

function shuffled<T>(state: RandomState, list: readonly T[]): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = nextBelow(state, i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}
