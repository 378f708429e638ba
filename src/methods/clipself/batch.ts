/** Batches of pictures and of their regions: what is in the batch of a step, and the making of it. */
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { readPicture } from '../../image/decode.js';
import { type Picture, rgbPicture } from '../../image/picture.js';
import { fillPlanes, type Triple, valueTables } from '../../image/resizing/planes.js';
import { type Box, boxAt } from '../../regions/boxes.js';
import { cropSquare, padSquare } from '../../regions/crops.js';
import { boxWeights } from '../../regions/weights.js';
import { drawScene, sceneCanvas, visibleParts } from '../../scenes/draw.js';
import type { SceneOptions } from '../../scenes/options.js';
import { randomStream } from '../../scenes/random.js';
import { sceneAt } from '../../scenes/scene.js';
import type { Values } from '../../tensor/compile.js';
import { floatsIn, type MakeBatch } from '../../train/serveBatches.js';
import { type PictureSet, pictureOrder } from './pictures.js';
import { chooseRegions, type Region, type RegionChoice } from './regions.js';

/** What batches consist of. Plain data, so that it passes between threads. */
export interface RegionPlan extends RegionChoice {
  readonly seed: number;
  /** Pictures a step. */
  readonly batch: number;
  /** Side of a patch in pixels, of which `size` is a multiple. */
  readonly patch: number;
  /** Side of the teacher's crops in pixels. */
  readonly cropSize: number;
  /** How pixels become numbers; see `preprocess`. */
  readonly rescale: number;
  readonly mean: Triple;
  readonly std: Triple;
  /** Procedural scenes, or pictures from files. */
  readonly scenes?: Omit<SceneOptions, 'size' | 'twin'>;
  readonly pictures?: PictureSet;
}

/** A picture and what is known to be in it. */
interface Found {
  readonly picture: Picture;
  /** In pixels. */
  readonly boxes: readonly Box[];
}

/** How many pictures in a row may be broken. */
const mostBroken = 100;

/** Keeps the random numbers of regions apart from those that scenes are made of. */
const regionStream = 4;

/**
 * Makes batches: pixels `[batch, 3, size, size]` of the student's pictures, `[regions, 3, cropSize, cropSize]` of the
 * teacher's crops, and `[regions, batch * patches]`, for each region the weights of all patches (`boxWeights`). They are a
 * matter of the plan and the step alone.
 *
 * In place of a picture that cannot be read stands the next of the set that can.
 * @param advise is told of each such picture once
 */
export function regionBatches(plan: RegionPlan, advise: (text: string) => void): MakeBatch {
  const { batch, size, patch, cropSize, seed } = plan;
  const picturesOf = plan.pictures ? filePictures(plan, plan.pictures, advise) : scenePictures(plan);
  const tables = valueTables(plan.rescale, plan.mean, plan.std);
  const side = Math.floor(size / patch);
  const grid = { rows: side, columns: side };
  const patches = side * side;
  return async (step, spare) => {
    const found = await picturesOf(step);
    const pixels = floatsIn(spare?.[0], batch * 3 * size * size);
    const regions: (Region & { readonly place: number })[] = [];
    found.forEach(({ picture, boxes }, place) => {
      const square = padSquare(picture, size).picture;
      fillPlanes(square.data as Uint8Array, tables, partOf(pixels, place, batch));
      const random = randomStream(seed, step, place, regionStream);
      regions.push(...chooseRegions(plan, picture, boxes, random).map(region => ({ ...region, place })));
    });
    const crops = floatsIn(spare?.[1], regions.length * 3 * cropSize * cropSize);
    const weights = floatsIn(spare?.[2], regions.length * batch * patches).fill(0);
    regions.forEach(({ student, crop, place }, i) => {
      const square = cropSquare(found[place]!.picture, crop, cropSize);
      fillPlanes(square.data as Uint8Array, tables, partOf(crops, i, regions.length));
      boxWeights(student, grid, partOf(partOf(weights, i, regions.length), place, batch));
    });
    return [
      { data: pixels, shape: [batch, 3, size, size] },
      { data: crops, shape: [regions.length, 3, cropSize, cropSize] },
      { data: weights, shape: [regions.length, batch * patches] },
    ] satisfies Values[];
  };
}

/** One of so many equal parts. */
function partOf<A extends ArrayBuffer>(whole: Float32Array<A>, index: number, parts: number): Float32Array<A> {
  const length = whole.length / parts;
  return whole.subarray(index * length, (index + 1) * length);
}

/** The first and the last scene of a step. */
export const scenesOf = ({ batch }: Pick<RegionPlan, 'batch'>, step: number): readonly [number, number] => [
  (step - 1) * batch,
  step * batch - 1,
];

/** Scenes with what is seen of their objects. */
function scenePictures(plan: RegionPlan): (step: number) => Promise<Found[]> {
  const { seed, batch, size, scenes = {} } = plan;
  return async step => {
    const [first] = scenesOf(plan, step);
    return Array.from({ length: batch }, (_, i) => {
      const canvas = sceneCanvas(size);
      const scene = sceneAt(seed, first + i, { ...scenes, size });
      drawScene(scene, canvas);
      const boxes = visibleParts(scene, canvas)
        .filter(({ area }) => area > 0)
        .map(({ box }) => boxAt(box));
      return { picture: rgbPicture(size, size, canvas.pixels), boxes };
    });
  };
}

function filePictures(
  { batch, seed }: RegionPlan,
  set: PictureSet,
  advise: (text: string) => void,
): (step: number) => Promise<Found[]> {
  const { folder, files, boxes } = set;
  const order = pictureOrder(files.length, batch, seed);
  const broken = new Set<number>();
  const read = async (wanted: number): Promise<Found> => {
    let reason = '';
    for (let i = 0; i < Math.min(mostBroken, files.length); i++) {
      const place = (wanted + i) % files.length;
      try {
        const picture = await readPicture(join(folder, files[place]!));
        return { picture, boxes: boxes ? boxesAt(boxes, place) : [] };
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        reason = error.message;
        if (!broken.has(place)) advise(`${reason}; the next picture is taken in its place`);
        broken.add(place);
      }
    }
    throw new InputError(
      `${folder}: none of ${Math.min(mostBroken, files.length)} pictures in a row can be read: ${reason}`,
    );
  };
  return async step => {
    const found: Found[] = [];
    for (const place of order(step)) found.push(await read(place));
    return found;
  };
}

function boxesAt({ starts, boxes }: NonNullable<PictureSet['boxes']>, place: number): Box[] {
  const count = starts[place + 1]! - starts[place]!;
  return Array.from({ length: count }, (_, i) => boxAt(boxes, 4 * (starts[place]! + i)));
}
