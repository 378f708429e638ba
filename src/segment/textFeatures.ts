/** Class names as vectors: each name in every prompt, averaged. */
import { InputError } from '../errors.js';
import type { Clip } from '../model/clip.js';
import { openTextEncoder } from '../model/textEncoder.js';
import { engineRunner, type Runner } from '../tensor/runner.js';
import type { Tokenizer } from '../tokenizer/index.js';
import { turn } from '../turns.js';
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
  /** What computes; default: the engine that is active. */
  readonly runner?: Runner;
  /** Called at the start and then with the number of names done. */
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
  clip: Pick<Clip, 'textIds' | 'config'> & { readonly tokenizer: Tokenizer },
  names: readonly string[],
  templates: readonly string[],
  { runner = engineRunner, onProgress }: TextFeatureOptions = {},
): Promise<TextFeatures> {
  if (names.length === 0 || templates.length === 0) {
    throw new InputError(`textFeatures: expected names and templates, got ${names.length} and ${templates.length}`);
  }
  const width = clip.config.embedding;
  const values = new Float32Array(names.length * width);
  const step = Math.max(1, Math.floor(promptsAtOnce / templates.length));
  // A tokenizer that is made when it is asked for takes a while, and so does a graph.
  await turn();
  const { tokenizer } = clip;
  await turn();
  const encoder = await openTextEncoder(clip, runner);
  onProgress?.(0, names.length);
  try {
    for (let from = 0; from < names.length; from += step) {
      const group = names.slice(from, from + step);
      const prompts = group.flatMap(name => templates.map(template => fill(template, name)));
      const embeddings = await encoder.encode(prompts.map(prompt => tokenizer.encode(prompt)));
      group.forEach((_, i) => {
        const own = embeddings.subarray(i * templates.length * width, (i + 1) * templates.length * width);
        meanDirection(own, values.subarray((from + i) * width, (from + i + 1) * width));
      });
      onProgress?.(Math.min(from + step, names.length), names.length);
    }
  } finally {
    await encoder.dispose();
  }
  return { count: names.length, width, values };
}

/** The mean of vectors, brought to unit length. */
function meanDirection(vectors: Float32Array, out: Float32Array): void {
  const mean = new Float64Array(out.length);
  for (let i = 0; i < vectors.length; i++) mean[i % out.length]! += vectors[i]!;
  const length = Math.hypot(...mean);
  for (let e = 0; e < out.length; e++) out[e] = mean[e]! / length;
}
