/** Class names as vectors: each name in every prompt, averaged; kept on disk, because names come again and again. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { writeAtomic } from '../files/atomic.js';
import { openBytes } from '../files/bytes.js';
import { fromFloat32 } from '../files/dtype.js';
import { makeFolder } from '../files/folder.js';
import { openSafetensors } from '../files/safetensors/read.js';
import { safetensorsBytes } from '../files/safetensors/write.js';
import type { Clip } from '../model/clip.js';
import { unitLength } from '../tensor/ops/unitLength.js';
import { mean, reshape, type Tensor3D, tidy } from '../tensor/tfjs.js';
import type { Tokenizer } from '../tokenizer/index.js';
import { fill } from './prompts.js';

/** Unit-length text features of some names, in their order. */
export interface TextFeatures {
  readonly count: number;
  /** Width of the joint embedding. */
  readonly width: number;
  /** `[count, width]`. */
  readonly values: Float32Array;
}

/** What `textFeatures` may be told. */
export interface TextFeatureOptions {
  /** Called with the number of names done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Prompts encoded at once: enough to fill the engine, few enough to report progress. */
const promptsAtOnce = 320;

/**
 * For each name: every template filled, encoded, brought to unit length; then averaged and brought to unit length again
 * (Radford et al. 2021, section 3.1.4): `[names, embedding]`.
 *
 * @throws InputError for a name whose prompt is longer than the model's context, or a template without `{}`.
 */
export async function textFeatures(
  clip: Pick<Clip, 'text' | 'config'> & { readonly tokenizer: Tokenizer },
  names: readonly string[],
  templates: readonly string[],
  { onProgress }: TextFeatureOptions = {},
): Promise<TextFeatures> {
  if (names.length === 0 || templates.length === 0) {
    throw new InputError(`textFeatures: expected names and templates, got ${names.length} and ${templates.length}`);
  }
  const width = clip.config.embedding;
  const values = new Float32Array(names.length * width);
  const step = Math.max(1, Math.floor(promptsAtOnce / templates.length));
  for (let from = 0; from < names.length; from += step) {
    const group = names.slice(from, from + step);
    const prompts = group.flatMap(name => templates.map(template => fill(template, name)));
    const ids = prompts.map(prompt => clip.tokenizer.encode(prompt));
    const features = tidy(() => {
      const { embedding } = clip.text(ids); // [names * templates, e]
      const byName = reshape<Tensor3D>(embedding, [group.length, templates.length, width]);
      return unitLength(mean(byName, 1));
    });
    values.set(await features.data(), from * width);
    features.dispose();
    onProgress?.(Math.min(from + step, names.length), names.length);
  }
  return { count: names.length, width, values };
}

/** Where features of these names in these prompts, by a text tower of this fingerprint, are kept. */
export function textCachePath(
  folder: string,
  fingerprint: string,
  names: readonly string[],
  templates: readonly string[],
) {
  const key = createHash('sha256')
    .update(JSON.stringify([1, fingerprint, names, templates]))
    .digest('hex');
  return join(folder, 'text', `${key}.safetensors`);
}

/** Kept features, or undefined when there are none or the file is not what it should be. */
export function readTextCache(path: string, count: number, width: number): TextFeatures | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const file = openSafetensors(openBytes(path));
    try {
      const shape = file.tensors.get('features')?.shape;
      return String(shape) === String([count, width])
        ? { count, width, values: file.readFloat32('features') }
        : undefined;
    } finally {
      file.close();
    }
  } catch (error) {
    // A damaged entry is computed again and written over; only faults of ours go on.
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** Keeps features for the next time. A cache that cannot be written costs time, not the result. */
export function writeTextCache(folder: string, path: string, { count, width, values }: TextFeatures): void {
  try {
    makeFolder(join(folder, 'text'));
    const features = { dtype: 'F32', shape: [count, width], bytes: fromFloat32('F32', values) } as const;
    writeAtomic(path, safetensorsBytes([['features', features]]));
  } catch {
    return;
  }
}
