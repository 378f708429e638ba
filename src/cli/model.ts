/** Starting the engine and loading the model that a command's flags name. */
import { attentionByName } from '../attention/index.js';
import {
  describeModel,
  type LoadedClip,
  type LoadOptions,
  loadClip,
  type ModelDescription,
} from '../checkpoint/loadClip.js';
import type { Variant } from '../model/imageTower.js';
import { type PositionMode, parsePositionMode } from '../model/positions.js';
import { type Method, methodByName } from '../segment/methods.js';
import { parseEngine, startEngine } from '../tensor/engine.js';
import { type Pixels, tensor4d } from '../tensor/tfjs.js';
import type { CommonFlags, VariantFlags } from './flags.js';
import { modelPixels, type PixelBatch } from './inputs.js';
import { withProgress } from './output.js';

/** The model that the flags name, without its weights. */
export const modelFrom = ({ model, activation }: CommonFlags): ModelDescription =>
  describeModel(model, activation ? { activation } : {});

/** Images as the model sees them; to be read before its weights, so that a broken one is found at once. */
export function pixelsFor(
  { config, preprocessor }: Pick<ModelDescription, 'config' | 'preprocessor'>,
  paths: readonly string[],
  { exif }: { exif: boolean },
): Promise<PixelBatch[]> {
  return modelPixels(paths, preprocessor, { exif, ...(config.image && { patch: config.image.patch }) });
}

/** Starts the engine, loads the model, runs `f`, and frees the model whatever happens. */
export async function withClip<T>(
  flags: CommonFlags,
  towers: LoadOptions['towers'],
  f: (clip: LoadedClip) => Promise<T>,
): Promise<T> {
  await startEngine(parseEngine(flags.engine), flags.threads === undefined ? {} : { threads: flags.threads });
  const { activation } = flags;
  const clip = await loadClip(flags.model, { ...(towers && { towers }), ...(activation && { activation }) });
  try {
    return await f(clip);
  } finally {
    clip.dispose();
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

/** Each image of the batches on its own through `f`, in order, with progress. */
export async function eachImage<T>(
  batches: readonly PixelBatch[],
  flags: { quiet?: boolean },
  f: (pixels: Pixels, batch: number) => T,
): Promise<T[]> {
  const total = batches.reduce((sum, { count }) => sum + count, 0);
  const results: T[] = [];
  return withProgress('images', flags, async update => {
    for (const [at, { values, count, height, width }] of batches.entries()) {
      const size = 3 * height * width;
      for (let i = 0; i < count; i++) {
        const pixels = tensor4d(values.subarray(i * size, (i + 1) * size), [1, 3, height, width]);
        try {
          results.push(f(pixels, at));
        } finally {
          pixels.dispose();
        }
        update(results.length, total);
        // Lets the progress bar draw.
        await new Promise(resolve => setImmediate(resolve));
      }
    }
    return results;
  });
}
