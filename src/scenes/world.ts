/** What there is in the world of scenes: names, colours, class lists, and what detection experiments hold out. */
import { InputError, suggestion } from '../errors.js';
import { quoted } from '../files/quote.js';

/** Red, green and blue, 0..255. */
export type Rgb = readonly [number, number, number];

/** The shapes, in class order. */
export const sceneShapes = [
  'circle',
  'square',
  'triangle',
  'star',
  'ring',
  'cross',
  'heart',
  'crescent',
  'diamond',
  'hexagon',
] as const;

/** The colours of objects, in class order. */
export const sceneColours = ['red', 'green', 'blue', 'yellow', 'purple', 'orange', 'pink', 'white'] as const;

/** The textures of objects. */
export const sceneTextures = ['plain', 'striped', 'dotted', 'checkered'] as const;

/** The backgrounds, in class order, behind the objects' classes. */
export const sceneBackgrounds = ['grass', 'sand', 'water', 'brick', 'snow', 'night sky'] as const;

export type SceneShape = (typeof sceneShapes)[number];
export type SceneColour = (typeof sceneColours)[number];
export type SceneTexture = (typeof sceneTextures)[number];
export type SceneBackground = (typeof sceneBackgrounds)[number];

/** Each colour before its jitter. */
export const colourValues: Readonly<Record<SceneColour, Rgb>> = {
  red: [220, 40, 40],
  green: [40, 170, 60],
  blue: [50, 80, 220],
  yellow: [240, 210, 40],
  purple: [140, 50, 170],
  orange: [245, 140, 30],
  pink: [250, 140, 190],
  white: [240, 240, 240],
};

/** The 12 pairs that detection experiments hold out: every colour, and every shape but `novelShapes`, one at least. */
export const novelPairs: readonly (readonly [SceneColour, SceneShape])[] = [
  ['red', 'triangle'],
  ['red', 'heart'],
  ['green', 'ring'],
  ['blue', 'cross'],
  ['blue', 'hexagon'],
  ['yellow', 'heart'],
  ['purple', 'square'],
  ['purple', 'diamond'],
  ['orange', 'hexagon'],
  ['pink', 'circle'],
  ['pink', 'ring'],
  ['white', 'square'],
];

/** The two shapes that detection experiments hold out in every colour. */
export const novelShapes: readonly SceneShape[] = ['star', 'crescent'];

/** What the class of an object is: its colour, its shape, or both. */
export const sceneClassKinds = ['colours', 'shapes', 'things'] as const;
export type SceneClassKind = (typeof sceneClassKinds)[number];

const things = sceneColours.flatMap(colour => sceneShapes.map(shape => `${colour} ${shape}`));
const objectClasses: Readonly<Record<SceneClassKind, readonly string[]>> = {
  colours: sceneColours,
  shapes: sceneShapes,
  things,
};

/**
 * The classes of objects alone: 8 colours, 10 shapes, or the 80 `colour shape` pairs, colour by colour.
 * @throws InputError for another kind, with the nearest
 */
export function objectClassNames(kind: SceneClassKind): readonly string[] {
  if (Object.hasOwn(objectClasses, kind)) return objectClasses[kind];
  throw new InputError(
    `scenes: expected classes of a known kind, got ${quoted(String(kind))}${suggestion(String(kind), sceneClassKinds)}`,
  );
}

/**
 * The class list of a segmentation of scenes: those of objects, then the 6 backgrounds.
 * @throws InputError for another kind, with the nearest
 */
export function sceneClassNames(kind: SceneClassKind): readonly string[] {
  return [...objectClassNames(kind), ...sceneBackgrounds];
}

/** The index of an object in `objectClassNames`. */
export function objectClass(kind: SceneClassKind, colour: SceneColour, shape: SceneShape): number {
  const [c, s] = [sceneColours.indexOf(colour), sceneShapes.indexOf(shape)];
  if (kind === 'colours') return c;
  return kind === 'shapes' ? s : c * sceneShapes.length + s;
}
