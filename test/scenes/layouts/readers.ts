/** Readers for the tests, written from the formats' own descriptions. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readPicture } from '../../../src/image/decode.js';
import type { Picture } from '../../../src/image/picture.js';
import { drawScene, type SceneCanvas, sceneCanvas, type VisiblePart, visibleParts } from '../../../src/scenes/draw.js';
import { sceneLabels } from '../../../src/scenes/labels.js';
import { type Scene, sceneAt } from '../../../src/scenes/scene.js';
import type { SceneClassKind } from '../../../src/scenes/world.js';

/** What a written scene must hold. */
export interface Truth {
  readonly scene: Scene;
  readonly canvas: SceneCanvas;
  readonly labels: Uint8Array;
  readonly parts: readonly VisiblePart[];
}

export function truths(seed: number, count: number, size: number, kind: SceneClassKind): Truth[] {
  return Array.from({ length: count }, (_, index) => {
    const scene = sceneAt(seed, index, { size });
    const canvas = sceneCanvas(size);
    drawScene(scene, canvas);
    return { scene, canvas, labels: sceneLabels(scene, canvas, kind), parts: visibleParts(scene, canvas) };
  });
}

/** All files below a folder with their bytes, by path. */
export function contents(folder: string): Map<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
  return new Map(files.sort().map(path => [path.slice(folder.length + 1), readFileSync(path)]));
}

export const lines = (path: string): string[] => readFileSync(path, 'utf8').trimEnd().split('\n');
export const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

/** The JPEG shows the scene: of its size, and on the whole within a few levels of it. */
export async function expectPicture(path: string, { canvas }: Truth): Promise<void> {
  const picture = await readPicture(path);
  expect(picture).to.include({ width: canvas.size, height: canvas.size, mode: 'RGB', format: 'jpeg' });
  let sum = 0;
  for (let i = 0; i < canvas.pixels.length; i++) sum += Math.abs(picture.data[i]! - canvas.pixels[i]!);
  expect(sum / canvas.pixels.length).to.be.below(5);
}

/** A label PNG, which must be of this mode. */
export async function readMap(path: string, mode: Picture['mode']): Promise<Picture> {
  const picture = await readPicture(path);
  expect(picture).to.include({ mode, format: 'png' });
  return picture;
}

/** A mask of `[height, width]` out of COCO's compressed run lengths, row by row. */
export function decodeRunLengths({ size, counts }: { size: [number, number]; counts: string }): Uint8Array {
  const [height, width] = size;
  const runs: number[] = [];
  for (let at = 0; at < counts.length; ) {
    let [value, shift, more] = [0, 0, true];
    while (more) {
      const group = counts.charCodeAt(at++) - 48;
      value |= (group & 31) << shift;
      shift += 5;
      more = (group & 32) !== 0;
      if (!more && group & 16) value |= -1 << shift;
    }
    runs.push(runs.length > 2 ? value + runs[runs.length - 2]! : value);
  }
  expect(runs.reduce((sum, run) => sum + run, 0)).to.equal(height * width);
  const mask = new Uint8Array(height * width);
  let at = 0;
  runs.forEach((run, i) => {
    for (const end = at + run; at < end; at++) mask[(at % height) * width + Math.floor(at / height)] = i & 1;
  });
  return mask;
}
