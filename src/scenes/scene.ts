/** What a scene holds: drawn from its seed and number before any pixel is. */
import { checkNumber, type SceneOptions, sceneOptions, twinCount, unitSide } from './options.js';
import {
  nextAround,
  nextBelow,
  nextBetween,
  nextChance,
  nextFraction,
  type RandomState,
  randomStream,
} from './random.js';
import {
  colourValues,
  novelPairs,
  novelShapes,
  type Rgb,
  type SceneBackground,
  type SceneColour,
  type SceneShape,
  type SceneTexture,
  sceneBackgrounds,
  sceneColours,
  sceneShapes,
  sceneTextures,
} from './world.js';

/** One object of a scene. Lengths are in pixels, y runs downwards. */
export interface SceneObject {
  readonly shape: SceneShape;
  readonly colour: SceneColour;
  readonly texture: SceneTexture;
  /** The centre. */
  readonly x: number;
  readonly y: number;
  /** Distance from the centre to the farthest point, whatever the shape. */
  readonly radius: number;
  /** Clockwise, in radians. */
  readonly rotation: number;
  /** The colour after its jitter. */
  readonly paint: Rgb;
  /** What the dark parts of the texture keep of it. */
  readonly shade: number;
}

/** A scene as a plain record: `drawScene` makes its pixels, `sceneCaption` its captions. */
export interface Scene {
  readonly seed: number;
  readonly index: number;
  readonly size: number;
  readonly background: SceneBackground;
  /** What is added to the background's colour. */
  readonly tint: Rgb;
  /** In the order they are painted: a later one lies over an earlier one. */
  readonly objects: readonly SceneObject[];
}

/** The independent streams of random numbers of one scene: what one of them draws changes nothing of the others. */
export const streams = { content: 0, shapes: 1, pixels: 2, caption: 3 } as const;

const colourJitter = 14;
const tintJitter = 12;
const shades = [0.45, 0.55] as const;
const plainShare = 0.55;
const mostRotation = 0.35;

/** How deep the circles around two objects may reach into each other, as a share of the smaller radius. */
const overlap = 0.2;
/** Attempts to place all objects, and places tried in each. */
const tries = 20;

/**
 * Scene `index` of a seed. The same numbers and options give the same scene, to the byte, on every machine; no other
 * scene has to be made before it. At another size it is the same scene, larger or smaller.
 * @throws InputError when seed or index is no whole number, or an option is out of its range
 */
export function sceneAt(seed: number, index: number, options: SceneOptions = {}): Scene {
  checkNumber('seed', seed);
  checkNumber('index', index);
  const { size, objects, radius, twin, leaveOut } = sceneOptions(options);
  const content = randomStream(seed, index, streams.content);
  const shapes = randomStream(seed, index, streams.shapes);
  const background = nextOf(content, sceneBackgrounds);
  const tint = jittered(content, [0, 0, 0], tintJitter);
  const count = objects[0] + nextBelow(content, objects[1] - objects[0] + 1);
  const looks = Array.from({ length: count }, () => {
    const colour = nextOf(content, sceneColours);
    return {
      shape: shapeOfTwin(shapes, shapesFor(colour, leaveOut), twin),
      colour,
      texture: nextChance(content, plainShare) ? ('plain' as const) : nextOf(content, sceneTextures.slice(1)),
      rotation: nextBetween(content, -mostRotation, mostRotation),
      paint: jittered(content, colourValues[colour], colourJitter),
      shade: nextBetween(content, ...shades),
    };
  });
  const scale = size / unitSide;
  const placed = placeAll(content, count, radius).map(({ x, y, radius }, i) => {
    return { ...looks[i]!, x: x * scale, y: y * scale, radius: radius * scale };
  });
  return { seed, index, size, background, tint, objects: placed };
}

const nextOf = <T>(state: RandomState, list: readonly T[]): T => list[nextBelow(state, list.length)]!;

function jittered(state: RandomState, [red, green, blue]: Rgb, reach: number): Rgb {
  const around = (value: number) => Math.min(value + nextAround(state, reach), 255);
  return [around(red), around(green), around(blue)];
}

/** The shapes that an object of this colour may have. */
function shapesFor(colour: SceneColour, leaveOut: SceneOptions['leaveOut']): readonly SceneShape[] {
  if (!leaveOut) return sceneShapes;
  if (leaveOut === 'shapes') return sceneShapes.filter(shape => !novelShapes.includes(shape));
  return sceneShapes.filter(shape => !novelPairs.some(([c, s]) => c === colour && s === shape));
}

/** Deals some of the shapes in random order, one for each twin. */
function shapeOfTwin(state: RandomState, shapes: readonly SceneShape[], twin: number): SceneShape {
  const deck = [...shapes];
  for (let i = 0; i < twinCount; i++) {
    const j = i + nextBelow(state, deck.length - i);
    [deck[i], deck[j]] = [deck[j]!, deck[i]!];
  }
  return deck[twin]!;
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** Places wholly inside a square of side 96 that hardly overlap: `count` of them, or as many as were found to fit. */
function placeAll(state: RandomState, count: number, [least, most]: readonly [number, number]): Place[] {
  let best: Place[] = [];
  for (let attempt = 0; attempt < tries && best.length < count; attempt++) {
    const places: Place[] = [];
    for (let left = tries; left > 0 && places.length < count; left--) {
      const radius = nextBetween(state, least, most);
      const place = { x: nextCentre(state, radius), y: nextCentre(state, radius), radius };
      if (!places.some(other => collide(place, other))) places.push(place);
    }
    if (places.length > best.length) best = places;
  }
  return best;
}

const nextCentre = (state: RandomState, radius: number): number =>
  radius + (unitSide - 2 * radius) * nextFraction(state);

/** Whether two circles reach deeper into each other than they may. */
function collide(a: Place, b: Place): boolean {
  const apart = a.radius + b.radius - overlap * Math.min(a.radius, b.radius);
  const [dx, dy] = [a.x - b.x, a.y - b.y];
  return dx * dx + dy * dy < apart * apart;
}
