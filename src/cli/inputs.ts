/** What stands where a command takes an IMAGE: a picture, or a `.safetensors` file of ready pixels. */

import { existsSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { InputError } from '../errors.js';
import { openBytes } from '../files/bytes.js';
import { openSafetensors } from '../files/safetensors/read.js';
import { readPicture } from '../image/decode.js';
import { applyOrientation, type Picture } from '../image/picture.js';
import type { PixelOrder } from '../image/preprocess.js';
import { cropForModel, type PreprocessSpec, preprocess } from '../image/preprocess.js';

/** Normalised pixels, `[count, 3, height, width]`. */
export interface PixelBatch {
  readonly values: Float32Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
}

export const isPixelFile = (path: string): boolean => extname(path).toLowerCase() === '.safetensors';

/** A picture, turned upright when `exif` says so. */
export async function readUpright(path: string, exif: boolean): Promise<Picture> {
  const picture = await readPicture(path);
  return exif ? applyOrientation(picture) : picture;
}

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

/** Every image as the model sees it, one batch a file (pixel files may hold several). */
export async function modelPixels(
  paths: readonly string[],
  spec: PreprocessSpec,
  { exif, order = 'openai' }: { exif: boolean; order?: PixelOrder },
): Promise<PixelBatch[]> {
  const batches: PixelBatch[] = [];
  for (const path of paths) {
    if (isPixelFile(path)) {
      batches.push(readPixelFile(path));
      continue;
    }
    const picture = await readUpright(path, exif);
    const { width, height } = cropForModel(picture, spec, order);
    batches.push({ values: preprocess(picture, spec, order), count: 1, height, width });
  }
  return batches;
}

/** A small text file. @throws InputError when it is missing or larger than 16 MiB. */
export function readText(path: string): string {
  const source = openBytes(path);
  try {
    if (source.size > 16 << 20)
      throw new InputError(`${path}: expected a text file of at most 16 MiB, got ${source.size} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(source.read(0, source.size));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: expected UTF-8 text`);
  } finally {
    source.close();
  }
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

/** Refuses inputs whose results would have one name. */
export function checkDistinct(outputs: readonly string[]): void {
  const twice = outputs.find((output, i) => outputs.indexOf(output) !== i);
  if (twice) throw new InputError(`${twice}: two inputs have the same name and would both be written there`);
}
