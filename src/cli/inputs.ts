/** What stands where a command takes an IMAGE: a picture, or a `.safetensors` file of ready pixels. */

import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { InputError } from '../errors.js';
import { checkWritable } from '../files/atomic.js';
import { openBytes } from '../files/bytes.js';
import { openSafetensors } from '../files/safetensors/read.js';
import { type Pictures, picturesApart, picturesHere } from '../image/apart/pictures.js';
import { checkPictureExtension } from '../image/encode.js';
import type { PixelOrder } from '../image/preprocess.js';
import { type PreprocessSpec, preprocessSteps } from '../image/preprocess.js';
import { byTurns } from '../turns.js';
import { showsProgress } from './output.js';

/** Normalised pixels, `[count, 3, height, width]`. */
export interface PixelBatch {
  readonly values: Float32Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
}

export const isPixelFile = (path: string): boolean => extname(path).toLowerCase() === '.safetensors';

/** How a command reads and writes pictures: where progress is shown, none holds it up. */
export const picturesFor = (flags: { quiet?: boolean }): Pictures =>
  showsProgress(flags) ? picturesApart() : picturesHere;

/** The tensor `pixels` of a file. @throws InputError when it is missing, no finite floats, or not `[n, 3, h, w]`. */
export function readPixelFile(path: string): PixelBatch {
  const file = openSafetensors(openBytes(path));
  try {
    const info = file.tensors.get('pixels');
    if (!info)
      throw new InputError(
        `${path}: expected a tensor named 'pixels', found ${[...file.tensors.keys()].slice(0, 3).join(', ') || 'none'}`,
      );
    const [count = 0, channels, height = 0, width = 0] = info.shape;
    if (
      info.shape.length !== 4 ||
      channels !== 3 ||
      count * height * width === 0 ||
      !/^B?F(16|32|64)$/.test(info.dtype)
    ) {
      throw new InputError(
        `${path}: expected 'pixels' as [n, 3, height, width] floats, got ${info.dtype} [${info.shape}]`,
      );
    }
    const values = file.readFloat32('pixels');
    const odd = values.findIndex(value => !Number.isFinite(value));
    if (odd >= 0) throw new InputError(`${path}: expected finite 'pixels', got ${values[odd]} at place ${odd}`);
    return { values, count, height, width };
  } finally {
    file.close();
  }
}

/**
 * Every image as the model sees it, one batch a file (pixel files may hold several).
 * @param options.patch the least side of ready pixels
 */
export async function modelPixels(
  paths: readonly string[],
  spec: PreprocessSpec,
  pictures: Pictures,
  { exif, order = 'openai', patch = 1 }: { exif: boolean; order?: PixelOrder; patch?: number },
): Promise<PixelBatch[]> {
  const batches: PixelBatch[] = [];
  for (const path of paths) {
    if (isPixelFile(path)) {
      const batch = readPixelFile(path);
      if (Math.min(batch.height, batch.width) < patch) {
        throw new InputError(
          `${path}: expected at least a patch of ${patch} x ${patch} pixels, got ${batch.width} x ${batch.height}`,
        );
      }
      batches.push(batch);
      continue;
    }
    const picture = await pictures.read(path, { upright: exif });
    batches.push({ count: 1, ...(await byTurns(preprocessSteps(picture, spec, order))) });
  }
  return batches;
}

/**
 * Where the result of one of several inputs goes: `output` itself for a single input, a file named after the input in
 * the folder `output` for several.
 *
 * @throws InputError when several inputs are to go to something that is not a folder.
 */
export function outputFor(output: string, input: string, inputs: number, extension: string): string {
  const isFolder = existsSync(output) && statSync(output).isDirectory();
  if (inputs === 1 && !isFolder) return output;
  if (!isFolder) throw new InputError(`${output}: expected a folder that exists, for the results of ${inputs} inputs`);
  return join(output, `${basename(input, extname(input))}${extension}`);
}

/** Refuses results that would have one name. */
export function checkDistinct(outputs: readonly string[]): void {
  const twice = outputs.find((output, i) => outputs.indexOf(output) !== i);
  if (twice === undefined) return;
  throw new InputError(`${twice}: two results would be written there; give inputs other names, or each result its own`);
}

/**
 * Finds out before long work whether a file of tensors can go to `output`.
 * @throws InputError when it does not end in `.safetensors`, is one of the inputs, or cannot be written.
 */
export function checkTensorOutput(output: string, inputs: readonly string[] = []): void {
  if (!isPixelFile(output)) throw new InputError(`${output}: expected a name that ends in .safetensors`);
  checkNoInput(output, inputs);
  checkWritable(output);
}

/** The same for a picture. @throws InputError when its extension is none that is written, and as `checkTensorOutput`. */
export function checkPictureOutput(output: string, inputs: readonly string[] = []): void {
  checkPictureExtension(output);
  checkNoInput(output, inputs);
  checkWritable(output);
}

function checkNoInput(output: string, inputs: readonly string[]): void {
  if (!existsSync(output)) return;
  const target = realpathSync(output);
  if (!inputs.some(input => existsSync(input) && realpathSync(input) === target)) return;
  throw new InputError(
    `${output}: it is one of the inputs, which the result would replace; name another file or folder`,
  );
}

/** @throws InputError when several files cannot go to `folder`. */
export function checkFolder(folder: string): void {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new InputError(`${folder}: expected a folder that exists`);
  }
  checkWritable(join(folder, 'any'));
}
