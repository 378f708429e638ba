import { InputError } from '../errors.js';

/** What scenes are drawn with. Radii are in 96ths of the picture's side, so that a scene looks alike at every size. */
export interface SceneOptions {
  /** Pixels of a side, 24 to 4096; 96 by default. */
  readonly size?: number;
  /** Least and most objects, 1 to 6; `[1, 3]` by default. Where so many do not fit, there are fewer. */
  readonly objects?: readonly [least: number, most: number];
  /** Least and most radius, up to 48; `[13, 26]` by default. */
  readonly radius?: readonly [least: number, most: number];
  /** Draws no object of `novelPairs`, or none of `novelShapes`. */
  readonly leaveOut?: 'pairs' | 'shapes';
  /**
   * 0 to 7: the scene with other shapes. Background, colours, textures and places are those of twin 0, and no object
   * has the same shape in two twins: hard negatives for a contrastive batch. 0 by default.
   */
  readonly twin?: number;
}

/** How captions are worded, as probabilities. */
export interface CaptionOptions {
  /** An object's colour is named; 0.75 by default. */
  readonly colour?: number;
  /** An object's texture is named, where it is not plain; 0.7 by default. */
  readonly texture?: number;
  /** The background is named; 0.7 by default. */
  readonly background?: number;
  /** One object of several is left out; 0.15 by default. */
  readonly leftOut?: number;
  /** The caption names shapes and nothing else, whatever the others say; 0 by default. */
  readonly shapeAlone?: number;
}

/** The side of the picture that every length is given for. */
export const unitSide = 96;

/** Twins that a scene has; a colour has two of the ten shapes held out at most. */
export const twinCount = 8;

const [leastSize, mostSize] = [24, 4096];
const mostObjects = 6;
const leastPixels = 3;

const sceneDefaults = { size: unitSide, objects: [1, 3], radius: [13, 26], twin: 0 } as const;
const captionDefaults = { colour: 0.75, texture: 0.7, background: 0.7, leftOut: 0.15, shapeAlone: 0 };

function check(holds: boolean, expected: string, got: unknown): void {
  if (!holds) throw new InputError(`scenes: expected ${expected}, got ${String(got)}`);
}

const isWhole = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;

/** The options with every default filled in. @throws InputError for one that is out of its range */
export function sceneOptions(options: SceneOptions) {
  const { size, objects, radius, twin, leaveOut } = { ...sceneDefaults, ...options };
  check(isWhole(size, leastSize, mostSize), `a size from ${leastSize} to ${mostSize} pixels`, size);
  check(
    objects[0] <= objects[1] && objects.every(count => isWhole(count, 1, mostObjects)),
    `least and most objects from 1 to ${mostObjects}`,
    objects,
  );
  const leastRadius = (leastPixels * unitSide) / size;
  check(
    radius[0] >= leastRadius && radius[0] <= radius[1] && radius[1] <= unitSide / 2,
    `radii from ${leastRadius} (${leastPixels} pixels) to ${unitSide / 2} 96ths of the side`,
    radius,
  );
  check(isWhole(twin, 0, twinCount - 1), `a twin from 0 to ${twinCount - 1}`, twin);
  check([undefined, 'pairs', 'shapes'].includes(leaveOut), "leaveOut to be 'pairs' or 'shapes'", leaveOut);
  return { size, objects, radius, twin, leaveOut };
}

/** The options with every default filled in. @throws InputError for what is no probability */
export function captionOptions(options: CaptionOptions): Required<CaptionOptions> {
  const all = { ...captionDefaults, ...options };
  for (const [name, value] of Object.entries(all)) check(value >= 0 && value <= 1, `${name} from 0 to 1`, value);
  return all;
}

/** @throws InputError unless `value` is a whole number from 0 to 2^53 - 1 */
export function checkNumber(name: string, value: number): void {
  check(isWhole(value, 0, Number.MAX_SAFE_INTEGER), `${name} to be a whole number from 0 to 2^53 - 1`, value);
}
