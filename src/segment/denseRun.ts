/**
 * Methods over a batch of windows, from pixels or from what the shared blocks made of them. Methods without a guide take
 * one function from pixels to cosines; a guide needs a second one, and a prefix that is kept needs the first in two.
 */
import type { Grid } from '../attention/attention.js';
import type { Clip } from '../model/clip.js';
import type { Reads, Variant } from '../model/imageTower.js';
import type { PositionMode } from '../model/positions.js';
import {
  joinReads,
  type Prefix,
  prefixFrom,
  prefixInputs,
  prefixNames,
  prefixTensors,
  readsOf,
} from '../model/prefix.js';
import type { Compiled, InputSpec, Values } from '../tensor/compile.js';
import type { Runner } from '../tensor/runner.js';
import type { Pixels, Tensor, Tensor2D, Tensor3D } from '../tensor/tfjs.js';
import { patchCosines, patchesOf } from './cosines.js';
import { type Guide, guideOf, type WindowPixels } from './guide.js';
import type { Protocol } from './protocols.js';

/** What a method does with the shared blocks: its variant, or its guide. */
export type Way = { readonly variant: Variant } | { readonly guide: Guide };

/** A variant's way; a guide is opened for the model. @throws InputError as a guide's opening does */
export function wayOf(clip: Clip, variant: Variant, protocol: Protocol): Way {
  const open = guideOf(variant);
  return open ? { guide: open(clip, variant, protocol) } : { variant };
}

/** A batch of windows of one size. */
export interface WindowBatch {
  readonly grid: Grid;
  readonly windows: readonly WindowPixels[];
  /** The windows' pixels together, `[b, 3, height, width]`. */
  readonly pixels: Values;
  /** `[embedding, names]`. */
  readonly texts: Values;
}

/** Methods made ready. Cosines are `[b, names, patches]`, one a method, in their order. */
export interface DenseRun {
  /** What the methods read of the shared blocks: the values that `prefix` gives, in this order (`prefixTensors`). */
  readonly reads: Required<Reads>;
  /** The whole way, from pixels. */
  cosines(batch: WindowBatch): Promise<Values[]>;
  /** The first half of it alone, to be kept. */
  prefix(pixels: Values): Promise<Values[]>;
  /** The second half of it. The pixels of the batch are still asked for: some guides look at them. */
  cosinesFrom(prefix: readonly Values[], batch: WindowBatch): Promise<Values[]>;
  dispose(): Promise<void>;
}

/** What a first run gives: cosines of the methods that are done, and what guides go on with. */
interface FirstLook {
  cosines: Tensor3D[];
  looks: Tensor3D[];
  held: Tensor[];
}

/** Prepares methods for windows. They share the blocks before those that they change. */
export async function prepareDense(
  clip: Clip,
  ways: readonly Way[],
  positions: PositionMode,
  { prepare }: Runner,
): Promise<DenseRun> {
  const config = clip.config.image!;
  const variants = ways.flatMap(way => ('variant' in way ? [way.variant] : []));
  const guides = ways.flatMap(way => ('guide' in way ? [way.guide] : []));
  const guided = joinReads(guides.map(guide => guide.reads));
  const reads = joinReads([readsOf(config, variants), guided]);
  const texts = { shape: [clip.config.embedding, 'queries'] } as const;
  const pixels = { shape: ['batch', 3, 'height', 'width'] } as const;

  const fromPrefix = (prefix: Prefix, features: Tensor2D): Omit<FirstLook, 'held'> => ({
    cosines:
      variants.length === 0
        ? []
        : clip.tails(prefix, variants).map(({ tokens }) => patchCosines(patchesOf(tokens), features)),
    looks: guides.map(guide => guide.look(prefix, features)),
  });
  const fromPixels = (images: Pixels, features: Tensor2D): FirstLook => {
    if (guides.length === 0) {
      const outputs = clip.variants(images, variants, { positions });
      const cosines = outputs.map(({ tokens }) => patchCosines(patchesOf(tokens), features));
      return { cosines, looks: [], held: [] };
    }
    const prefix = clip.prefix(images, reads, { positions });
    return { ...fromPrefix(prefix, features), held: prefixTensors(guided, prefix) };
  };
  const after = (inputs: readonly Tensor[]): Tensor3D[] => {
    const prefix = prefixFrom(guided, inputs.slice(0, -1 - guides.length));
    const [features, ...decided] = inputs.slice(-1 - guides.length) as [Tensor2D, ...Tensor3D[]];
    return guides.map((guide, i) => patchCosines(guide.patches(prefix, decided[i]!), features));
  };

  // No graph is made before its first call: what is not used costs nothing.
  const [whole, shared, tails, finish] = await Promise.all([
    prepare(fromPixels, [pixels, texts]),
    prepare((images: Pixels) => prefixTensors(reads, clip.prefix(images, reads, { positions })), [pixels]),
    prepare(
      (...inputs: Tensor[]) => fromPrefix(prefixFrom(reads, inputs.slice(0, -1)), inputs.at(-1) as Tensor2D),
      [...prefixInputs(config, reads), texts],
    ),
    prepare(
      (...inputs: Tensor[]) => after(inputs),
      [
        ...prefixInputs(config, guided),
        texts,
        ...guides.map((_, i): InputSpec => ({ shape: ['batch', `side${i}`, `side${i}`] })),
      ],
    ),
  ]);

  /** The guides' own cosines put among those of the others. */
  async function finished(
    { cosines, looks }: { cosines: Values[]; looks: Values[] },
    held: readonly Values[],
    batch: WindowBatch,
  ): Promise<Values[]> {
    if (guides.length === 0) return cosines;
    const decided: Values[] = [];
    for (const [i, guide] of guides.entries()) decided.push(await decideAll(guide, looks[i]!, batch));
    const late = await finish(...held, batch.texts, ...decided);
    const [done, guidedDone] = [cosines.values(), late.values()];
    return ways.map(way => ('variant' in way ? done : guidedDone).next().value!);
  }

  return {
    reads,
    async cosines(batch) {
      const first = await whole(batch.pixels, batch.texts);
      return finished(first, first.held, batch);
    },
    prefix: images => shared(images),
    async cosinesFrom(prefix, batch) {
      const first = await tails(...prefix, batch.texts);
      return finished(first, heldOf(reads, guided, prefix), batch);
    },
    dispose: async () => {
      await Promise.all([whole, shared, tails, finish].map((one: Pick<Compiled<object>, 'dispose'>) => one.dispose()));
    },
  };
}

/** A guide's decisions for every window of a batch, `[b, m, m]`. */
async function decideAll(guide: Guide, looks: Values, { grid, windows }: WindowBatch): Promise<Values> {
  const size = looks.data.length / windows.length;
  const parts: Float32Array[] = [];
  for (const [i, window] of windows.entries()) {
    parts.push(await guide.decide(looks.data.slice(i * size, (i + 1) * size) as Float32Array, grid, window));
  }
  const values = parts[0]!.length;
  const data = new Float32Array(parts.length * values);
  parts.forEach((part, i) => {
    data.set(part, i * values);
  });
  return { data, shape: [parts.length, Math.sqrt(values), Math.sqrt(values)] };
}

/** Of the values of a prefix those that are also read by `some`. */
function heldOf(all: Required<Reads>, some: Required<Reads>, values: readonly Values[]): Values[] {
  const names = prefixNames(all);
  return prefixNames(some).map(name => values[names.indexOf(name)]!);
}
