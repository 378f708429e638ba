import { type LoadedClip, loadClip } from '../../checkpoint/loadClip.js';
import type { Variant } from '../../model/imageTower.js';
import { compile } from '../../tensor/compile.js';
import { startEngine } from '../../tensor/engine.js';
import { type Pixels, type Tensor, tensor, tidy } from '../../tensor/tfjs.js';
import { joined, readFloats } from '../floats.js';
import { variantNamed } from '../variants.js';
import type { Work } from './work.js';

export interface ImageGiven {
  readonly model: string;
  /** A file of float32 pixels for at least `batch` images. */
  readonly input: string;
  readonly batch: number;
  readonly threads: number;
  readonly output: 'embedding' | 'tokens';
  /** Variants of the last block, by name; default: as CLIP was trained. Several come out one after the other. */
  readonly variants?: readonly string[];
  /** A graph for each variant instead of one for all. */
  readonly apart?: boolean;
  readonly quantize?: 's8';
  /** Whether weights are rearranged first, see `compile`; default true. */
  readonly pack?: boolean;
  /** Runs eagerly on the wasm engine instead. */
  readonly eager?: boolean;
}

/** The image tower on a batch of pixels, compiled or eagerly. */
export async function image(given: ImageGiven): Promise<Work> {
  const {
    model,
    batch,
    threads,
    quantize,
    variants = ['clip'],
    apart = false,
    eager = false,
    pack = true,
    output,
  } = given;
  if (eager) await startEngine('wasm');
  const clip = await loadClip(model, { towers: ['image'], weights: eager ? 'engine' : 'file' });
  const side = clip.config.image!.imageSize;
  const shape = [batch, 3, side, side] as const;
  const data = readFloats(given.input, batch * 3 * side * side);
  const functions = functionsOf(clip, variants.map(variantNamed), output, apart);
  if (eager) {
    const pixels = tensor(data, [...shape]) as Pixels;
    return async () => joined(functions.flatMap(f => tidy(() => f(pixels).map(valuesOf))));
  }
  const options = { threads, pack, ...(quantize && { quantize }) };
  const signature = [{ shape: ['batch', 3, side, side] }] as const;
  const compiled = await Promise.all(functions.map(f => compile(f, signature, options)));
  return async () => {
    const parts: Float32Array[] = [];
    for (const run of compiled)
      for (const values of await run({ data, shape })) parts.push(values.data as Float32Array);
    return joined(parts);
  };
}

/** Functions of pixels that together give every variant's output. */
function functionsOf(clip: LoadedClip, variants: readonly Variant[], output: ImageGiven['output'], apart: boolean) {
  if (apart)
    return variants.map(last => (pixels: Pixels): Tensor[] => [clip.image(pixels, { last })[output]]);
  return [(pixels: Pixels): Tensor[] => clip.variants(pixels, variants).map(outputs => outputs[output])];
}

const valuesOf = (x: Tensor): Float32Array => x.dataSync<'float32'>().slice();
