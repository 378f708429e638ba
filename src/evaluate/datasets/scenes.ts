/** Scenes as a data set without files. */
import { InputError, suggestion } from '../../errors.js';
import { printable, quoted } from '../../files/quote.js';
import { rgbPicture } from '../../image/picture.js';
import { drawScene, sceneCanvas } from '../../scenes/draw.js';
import { sceneLabels } from '../../scenes/labels.js';
import { type SceneOptions, sceneOptions } from '../../scenes/options.js';
import { sceneAt } from '../../scenes/scene.js';
import { type SceneClassKind, sceneClassKinds, sceneClassNames } from '../../scenes/world.js';
import { fromNames } from '../../segment/vocabulary.js';
import { heldOutSeed } from '../heldOut.js';
import { fingerprintOf, namesOf } from './classNames.js';
import type { Dataset } from './dataset.js';
import { imageAt } from './files.js';

const mostScenes = 1_000_000;

/**
 * Scenes 0 to n - 1 of a seed with exact pixels and labels; their ids count from 1, as in folders of VOC's layout.
 * @param settings `seed=S,n=N,classes=KIND,size=PIXELS,objects=A-B`; all but n may be left out
 * @throws InputError for other settings
 */
export function openScenes(spec: string, settings: string): Dataset {
  const { seed, count, classes, scenes } = parseScenes(printable(spec), settings);
  const ids = Array.from({ length: count }, (_, index) => String(index + 1).padStart(6, '0'));
  const names = namesOf(fromNames(sceneClassNames(classes)), 'folder');
  const drawn = Object.keys(scenes).length > 0 ? ` ${JSON.stringify(scenes)}` : '';
  return {
    spec,
    kind: 'scenes',
    ...names,
    background: false,
    ids,
    fingerprint: fingerprintOf(`scenes of seed ${seed}${drawn}`, names, ids),
    async read(index) {
      const id = imageAt(ids, index, printable(spec));
      const scene = sceneAt(seed, index, scenes);
      const canvas = sceneCanvas(scene.size);
      drawScene(scene, canvas);
      return {
        id,
        picture: rgbPicture(scene.size, scene.size, canvas.pixels),
        labels: sceneLabels(scene, canvas, classes),
      };
    },
  };
}

const settingNames = ['seed', 'n', 'classes', 'size', 'objects'] as const;

/** What a specification of scenes says, and how they are drawn. @throws InputError as `openScenes` */
export function parseScenes(where: string, settings: string) {
  const given = new Map<string, string>();
  for (const setting of settings.split(',')) {
    const [name = '', value, ...more] = setting.split('=').map(part => part.trim());
    if (!settingNames.some(known => known === name) || value === undefined || more.length > 0) {
      throw new InputError(
        `${where}: expected settings such as seed=1,n=512, got ${quoted(setting)}${suggestion(name, settingNames)}`,
      );
    }
    if (given.has(name)) throw new InputError(`${where}: expected ${name} once, got it twice`);
    given.set(name, value);
  }
  const [size, objects] = [given.get('size'), given.get('objects')];
  const scenes: SceneOptions = {
    ...(size !== undefined && { size: wholeNumber(where, 'size', size, 1, Number.MAX_SAFE_INTEGER) }),
    ...(objects !== undefined && { objects: range(where, objects) }),
  };
  sceneOptions(scenes);
  return {
    seed: wholeNumber(where, 'seed', given.get('seed') ?? String(heldOutSeed), 0, Number.MAX_SAFE_INTEGER),
    count: wholeNumber(where, 'n', given.get('n') ?? '', 1, mostScenes),
    classes: classKind(where, given.get('classes') ?? 'colours'),
    scenes,
  };
}

function wholeNumber(where: string, name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InputError(`${where}: expected ${name} as a whole number from ${least} to ${most}, got ${quoted(text)}`);
}

/** `2-5`, or `3` alone. */
function range(where: string, text: string): readonly [least: number, most: number] {
  const [, least, most = least] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (least === undefined) {
    throw new InputError(`${where}: expected objects as a number or a range such as 2-5, got ${quoted(text)}`);
  }
  return [Number(least), Number(most)];
}

function classKind(where: string, text: string): SceneClassKind {
  const kind = sceneClassKinds.find(known => known === text);
  if (kind) return kind;
  throw new InputError(`${where}: expected known classes, got ${quoted(text)}${suggestion(text, sceneClassKinds)}`);
}
