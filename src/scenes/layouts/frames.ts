import { join } from 'node:path';
import { writeAtomic } from '../../files/atomic.js';
import { encodePicture } from '../../image/encode.js';
import { type Picture, rgbPicture } from '../../image/picture.js';
import { drawScene, type SceneCanvas, sceneCanvas, type VisiblePart, visibleParts } from '../draw.js';
import { sceneLabels } from '../labels.js';
import type { SceneOptions } from '../options.js';
import { type Scene, sceneAt } from '../scene.js';
import type { SceneClassKind } from '../world.js';

/** A data set of scenes, as every layout writes it. */
export interface SceneDataSet {
  readonly count: number;
  readonly seed: number;
  readonly classes: SceneClassKind;
  readonly scene: SceneOptions;
}

/** One drawn scene of a data set; its arrays are used again for the next. */
export interface Frame {
  /** Counts from 1, as file names and ids do. */
  readonly number: number;
  readonly scene: Scene;
  readonly canvas: SceneCanvas;
  /** `sceneLabels` of the set's classes. */
  readonly labels: Uint8Array;
  readonly parts: readonly VisiblePart[];
}

/** Says how many of a data set's pictures are written. */
export type SetProgress = (done: number, total: number) => void;

/** Writes a data set in one layout into a folder that is there. */
export type WriteLayout = (folder: string, set: SceneDataSet, progress: SetProgress) => Promise<void>;

/** The scenes of a data set, undrawn. */
export function* scenesOf({ count, seed, scene: options }: SceneDataSet): Generator<Pick<Frame, 'number' | 'scene'>> {
  for (let index = 0; index < count; index++) yield { number: index + 1, scene: sceneAt(seed, index, options) };
}

/** The scenes of a data set, drawn one after the other into the same memory. */
export function* framesOf(set: SceneDataSet): Generator<Frame> {
  const canvas = sceneCanvas(sceneAt(set.seed, 0, set.scene).size);
  const labels = new Uint8Array(canvas.instances.length);
  for (const { number, scene } of scenesOf(set)) {
    drawScene(scene, canvas);
    sceneLabels(scene, canvas, set.classes, labels);
    yield { number, scene, canvas, labels, parts: visibleParts(scene, canvas) };
  }
}

/** The number of a frame as a file's name has it. */
export const padded = (number: number, digits: number): string => String(number).padStart(digits, '0');

/** High, since the pictures are small and their edges sharp. */
const quality = 95;

/** Writes the frame's picture as a JPEG, the format of the pictures in every layout. */
export async function writeJpeg(path: string, { canvas }: Frame): Promise<void> {
  const { size, pixels } = canvas;
  writeAtomic(path, await encodePicture(rgbPicture(size, size, pixels), path, { quality }));
}

/** Writes numbers of pixels, one byte each, as a PNG: shown through a palette where one is given, else grey. */
export async function writeMap(path: string, { canvas }: Frame, data: Uint8Array, palette?: Uint8Array): Promise<void> {
  const map = { width: canvas.size, height: canvas.size, data, orientation: 1, format: 'png' } as const;
  const picture: Picture = palette ? { ...map, mode: 'P', palette: { rgb: palette } } : { ...map, mode: 'L' };
  writeAtomic(path, await encodePicture(picture, path));
}

/** Writes a text file from its pieces. */
export function writeText(folder: string, name: string, pieces: Iterable<string>): void {
  const encoder = new TextEncoder();
  writeAtomic(join(folder, name), write => {
    for (const piece of pieces) write(encoder.encode(piece));
  });
}
