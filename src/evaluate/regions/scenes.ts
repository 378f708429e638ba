/** Scenes as a data set of regions, without files. */
import { rgbPicture } from '../../image/picture.js';
import { boxAt } from '../../regions/boxes.js';
import { drawScene, sceneCanvas, visibleParts } from '../../scenes/draw.js';
import { type SceneOptions, sceneOptions } from '../../scenes/options.js';
import { sceneAt } from '../../scenes/scene.js';
import {
  objectClass,
  objectClassNames,
  type SceneClassKind,
  sceneBackgrounds,
  sceneClassNames,
} from '../../scenes/world.js';
import { fromNames } from '../../segment/vocabulary.js';
import { imageAt } from '../datasets/files.js';
import { type SceneSet, sceneSet } from '../heldOut.js';
import { extents, type RegionDataset } from './regionDataset.js';

/** Which scenes, and what their objects are called. */
export interface SceneRegionOptions {
  /** Default `colours`. */
  readonly classes?: SceneClassKind;
  readonly scenes?: Omit<SceneOptions, 'twin'>;
  /** What reports call it. */
  readonly spec?: string;
}

/**
 * Scenes 0 to `count - 1` of a seed: their objects are the things, each in the box and mask of what is seen of it; their
 * backgrounds are the stuff.
 * @throws InputError for no scenes, or options out of their ranges
 */
export function sceneRegions(
  set: SceneSet,
  { classes = 'colours', scenes = {}, spec = 'scenes' }: SceneRegionOptions = {},
): RegionDataset {
  const { seed, count } = sceneSet(set);
  const things = objectClassNames(classes).length;
  const names = sceneClassNames(classes);
  const ids = Array.from({ length: count }, (_, index) => String(index + 1).padStart(6, '0'));
  sceneOptions(scenes);
  return {
    spec,
    kind: 'scenes',
    classes: names.map((name, label) => ({ name, thing: label < things })),
    vocabulary: fromNames(names),
    ids,
    async read(index) {
      const id = imageAt(ids, index, spec);
      const scene = sceneAt(seed, index, scenes);
      const canvas = sceneCanvas(scene.size);
      drawScene(scene, canvas);
      const behind = scene.objects.length + 1;
      const map = Uint16Array.from(canvas.instances, instance => instance || behind);
      const parts = visibleParts(scene, canvas);
      const objects = scene.objects.map(({ colour, shape }, i) => {
        return { label: objectClass(classes, colour, shape), box: boxAt(parts[i]!.box) };
      });
      const background = {
        label: things + sceneBackgrounds.indexOf(scene.background),
        box: extents(map, scene.size, behind)[behind - 1]!,
      };
      return {
        id,
        picture: rgbPicture(scene.size, scene.size, canvas.pixels),
        map,
        segments: [...objects, background],
      };
    },
  };
}
