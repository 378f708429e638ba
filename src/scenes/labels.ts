import type { SceneCanvas } from './draw.js';
import type { Scene } from './scene.js';
import { objectClass, objectClassNames, type SceneClassKind, sceneBackgrounds } from './world.js';

/**
 * The class of every pixel of a drawn scene, as an index into `sceneClassNames(kind)`.
 * @param into where to write them, `size x size`; a new array by default
 * @throws InputError for an unknown kind of classes
 */
export function sceneLabels(
  { objects, background }: Scene,
  { instances }: SceneCanvas,
  kind: SceneClassKind,
  into = new Uint8Array(instances.length),
): Uint8Array {
  const behind = objectClassNames(kind).length + sceneBackgrounds.indexOf(background);
  const classes = [behind, ...objects.map(({ colour, shape }) => objectClass(kind, colour, shape))];
  for (let p = 0; p < instances.length; p++) into[p] = classes[instances[p]!]!;
  return into;
}
