import { readFileSync } from 'node:fs';
import { rgbPicture } from '../../image/picture.js';
import { type ResizeFilter, resize as resizePicture } from '../../image/resize.js';
import type { Work } from './work.js';

export interface ResizeGiven {
  /** A file of RGB bytes. */
  readonly file: string;
  readonly from: readonly [width: number, height: number];
  readonly to: readonly [width: number, height: number];
  readonly filter: ResizeFilter;
}

/** Resizes a picture as Pillow does. */
export async function resize({ file, from, to, filter }: ResizeGiven): Promise<Work> {
  const picture = rgbPicture(...from, readFileSync(file));
  return async () => resizePicture(picture, ...to, filter).data;
}
