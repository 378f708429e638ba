/** A folder of pictures to learn from, and which of them a step looks at. */
import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { reasonOf } from '../../files/bytes.js';
import { quoted } from '../../files/quote.js';
import { randomStream } from '../../scenes/random.js';
import { type BoxTable, readBoxes } from './boxFile.js';
import { some } from './regions.js';

/** Pictures in a folder; plain data, so that it passes between threads. */
export interface PictureSet {
  readonly folder: string;
  /** Paths in the folder, in an order of their own. */
  readonly files: readonly string[];
  /** What is known of each, where regions are boxes. */
  readonly boxes?: BoxTable;
}

/** Random numbers draw from so many at once. */
const mostPictures = 2 ** 21 - 1;

const endings = /\.(png|jpe?g|webp|bmp|gif)$/i;

/**
 * Finds the pictures of a folder and of those below it, in the order of their paths; or those that a file of boxes
 * names. None is opened.
 * @throws InputError when there is no such folder, no picture in it, or one that the boxes name is missing
 */
export function findPictures(folder: string, boxFile?: string): PictureSet {
  const boxes = boxFile === undefined ? undefined : readBoxes(boxFile);
  const files = boxes?.files ?? picturesBelow(folder);
  if (files.length === 0) {
    throw new InputError(`${folder}: expected pictures (PNG, JPEG, WebP, BMP or GIF) there or below, found none`);
  }
  if (files.length > mostPictures) {
    throw new InputError(`${folder}: expected at most ${mostPictures} pictures, got ${files.length}`);
  }
  return { folder, files, ...(boxes && { boxes }) };
}

function picturesBelow(folder: string): string[] {
  const found: string[] = [];
  const visit = (below: string) => {
    for (const entry of entriesIn(join(folder, below))) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else if (endings.test(entry.name)) found.push(path);
    }
  };
  visit('');
  // By code units: the same on every machine, whatever its language.
  return found.sort();
}

function entriesIn(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw new InputError(`${folder}: cannot be read: ${reasonOf(error)}`);
  }
}

/**
 * A hash of the names and sizes of pictures, and of their boxes: a run goes on with the same.
 * @throws InputError when a picture is not there
 */
export function hashPictures({ folder, files, boxes }: PictureSet): string {
  const hash = createHash('sha256');
  for (const file of files) {
    const size = statSync(join(folder, file), { throwIfNoEntry: false })?.size;
    if (size === undefined) {
      const named = boxes ? ', which the file of boxes names' : '';
      throw new InputError(`${folder}: expected ${quoted(file)} there${named}; it is missing`);
    }
    hash.update(JSON.stringify([file, size]));
  }
  if (boxes) for (const { buffer } of [boxes.starts, boxes.boxes]) hash.update(new Uint8Array(buffer));
  return hash.digest('hex');
}

/** How many steps it takes to see all pictures once; the last begins again with the first. */
export const stepsOfEpoch = ({ files }: Pick<PictureSet, 'files'>, batch: number): number =>
  Math.ceil(files.length / batch);

/** Tells which of `count` pictures a step looks at: all of them in random order, then again in another. */
export function pictureOrder(count: number, batch: number, seed: number): (step: number) => number[] {
  const steps = Math.ceil(count / batch);
  const all = Array.from({ length: count }, (_, i) => i);
  let known = -1;
  let order: readonly number[] = [];
  return step => {
    const epoch = Math.floor((step - 1) / steps);
    if (epoch !== known) order = some(all, count, randomStream(seed, epoch));
    known = epoch;
    const first = ((step - 1) % steps) * batch;
    return Array.from({ length: batch }, (_, i) => order[(first + i) % count]!);
  };
}
