/** What computes and the model that a command's flags name. */
import { attentionByName } from '../attention/index.js';
import {
  describeModel,
  type LoadedClip,
  type LoadOptions,
  loadClip,
  type ModelDescription,
} from '../checkpoint/loadClip.js';
import { InputError } from '../errors.js';
import { checkAttention, gridOf } from '../model/config.js';
import type { Variant } from '../model/imageTower.js';
import { type PositionMode, parsePositionMode } from '../model/positions.js';
import { type Method, methodByName } from '../segment/methods.js';
import type { Compiled, Structure, Values } from '../tensor/compile.js';
import type { RunnerName } from '../tensor/names.js';
import { openRunner, parseRunner, type Runner, type RunnerOptions } from '../tensor/runner.js';
import type { Pixels } from '../tensor/tfjs.js';
import type { CommonFlags, ModelFlags, VariantFlags } from './flags.js';
import { modelPixels, type PixelBatch, picturesFor } from './inputs.js';
import { showsProgress, warn, withProgress } from './output.js';

/** The model that the flags name, without its weights. @throws InputError as `checkDepth` */
export function modelFrom(flags: ModelFlags & Pick<VariantFlags, 'blocks'>): ModelDescription {
  const { model, activation } = flags;
  const described = describeModel(model, activation ? { activation } : {});
  checkDepth(flags, described);
  return described;
}

/** @throws InputError for more changed blocks than the model's image tower has */
export function checkDepth(
  { blocks }: Pick<VariantFlags, 'blocks'>,
  { config: { image } }: Pick<ModelDescription, 'config'>,
): void {
  if (blocks === undefined || !image || blocks <= image.layers) return;
  throw new InputError(`--blocks: expected at most the ${image.layers} blocks of the model, got ${blocks}`);
}

/**
 * Images as the model sees them; to be read before its weights, so that a broken one is found at once.
 * @throws InputError also for ready pixels of so many patches that their attention would not fit in memory.
 */
export async function pixelsFor(
  { config, preprocessor }: Pick<ModelDescription, 'config' | 'preprocessor'>,
  paths: readonly string[],
  flags: { exif: boolean; quiet?: boolean },
): Promise<PixelBatch[]> {
  const { image } = config;
  const { exif } = flags;
  const patch = image && { patch: image.patch };
  const batches = await modelPixels(paths, preprocessor, picturesFor(flags), { exif, ...patch });
  batches.forEach(({ height, width }, i) => {
    if (image) checkAttention(paths[i]!, image, 1, gridOf(image, height, width), 'use a smaller image');
  });
  return batches;
}

/** What a command needs. */
interface Work {
  readonly towers: LoadOptions['towers'];
  /** How often it runs a tower at the least, as far as it knows. */
  readonly runs: number;
}

/** Opens what computes, loads the model, runs `f`, and frees the model whatever happens. */
export async function withClip<T>(
  flags: CommonFlags,
  { towers, runs }: Work,
  f: (clip: LoadedClip, runner: Runner) => Promise<T>,
): Promise<T> {
  const runner = await runnerFrom(flags, runs);
  const { activation } = flags;
  const clip = await loadClip(flags.model, {
    ...(towers && { towers }),
    ...(activation && { activation }),
    weights: runner.name === 'ort' ? 'file' : 'engine',
  });
  try {
    return await f(clip, runner);
  } finally {
    await runner.dispose();
    clip.dispose();
  }
}

/** Runs from which on rearranging a graph's weights pays. */
const manyRuns = 8;

/** What the flags choose to compute with. Where progress is shown, graphs run in a thread that does not hold it up. */
async function runnerFrom(flags: CommonFlags, runs: number): Promise<Runner> {
  return openRunner(await engineFrom(flags), runnerOptions(flags, runs));
}

/** What the flags choose to compute with, by name. */
export async function engineFrom(flags: CommonFlags): Promise<RunnerName> {
  return flags.engine === undefined ? await defaultRunner(flags) : parseRunner(flags.engine);
}

/** What the flags say of how graphs run. */
export function runnerOptions(flags: CommonFlags, runs: number): RunnerOptions {
  const { threads, quantize } = flags;
  return {
    host: showsProgress(flags) ? 'worker' : 'inline',
    pack: runs >= manyRuns,
    ...(threads !== undefined && { threads }),
    ...(quantize !== undefined && { quantize }),
  };
}

async function defaultRunner({ quiet }: CommonFlags): Promise<RunnerName> {
  try {
    await import('onnxruntime-node');
    return 'ort';
  } catch {
    if (!quiet) warn('onnxruntime-node is not there or does not load; computing with wasm, several times slower');
    return 'wasm';
  }
}

/** What the variant flags say of the last blocks, over the method they name. */
export function methodFrom(flags: VariantFlags, defaultMethod: string): Method {
  const method = methodByName(flags.method ?? defaultMethod);
  const { attention, residual, ffn, blocks } = flags;
  const variant: Variant = {
    ...method.variant,
    ...(attention !== undefined && { attention: attentionByName(attention) }),
    ...(residual !== undefined && { residual }),
    ...(ffn !== undefined && { ffn }),
    ...(blocks !== undefined && { blocks }),
  };
  const mode = positionsFrom(flags, method.protocol.positions);
  return { name: method.name, variant, protocol: { ...method.protocol, positions: mode } };
}

const positionsFrom = ({ positions }: VariantFlags, byMethod: PositionMode): PositionMode =>
  positions === undefined ? byMethod : parsePositionMode(positions);

/** A function of one batch of images, made ready for any size of them. */
export const prepareImage = <R extends Structure>(
  { prepare }: Runner,
  f: (pixels: Pixels) => R,
): Promise<Compiled<R>> => prepare(f, [{ shape: ['batch', 3, 'height', 'width'] }]);

/** How many images there are in batches. */
export const imageCount = (batches: readonly PixelBatch[]): number =>
  batches.reduce((sum, { count }) => sum + count, 0);

/** Each image of the batches on its own through `f`, in order, with progress. */
export async function eachImage<T>(
  batches: readonly PixelBatch[],
  flags: { quiet?: boolean },
  f: (pixels: Values, batch: number) => Promise<T>,
): Promise<T[]> {
  const total = imageCount(batches);
  const results: T[] = [];
  return withProgress('images', flags, async update => {
    update(0, total);
    for (const [at, { values, count, height, width }] of batches.entries()) {
      const size = 3 * height * width;
      for (let i = 0; i < count; i++) {
        const data = values.subarray(i * size, (i + 1) * size);
        results.push(await f({ data, shape: [1, 3, height, width] }, at));
        update(results.length, total);
      }
    }
    return results;
  });
}
