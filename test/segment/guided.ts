/** The towers and inputs of the goldens of ResCLIP and SC-CLIP, and a guide run step by step on any runner. */
import { type Clip, createClip } from '../../src/model/clip.js';
import { prefixFrom, prefixInputs, prefixTensors } from '../../src/model/prefix.js';
import type { Guide } from '../../src/segment/guide.js';
import type { InputSpec, Values } from '../../src/tensor/compile.js';
import type { Runner } from '../../src/tensor/runner.js';
import type { Pixels, Tensor, Tensor2D, Tensor3D } from '../../src/tensor/tfjs.js';
import { findGolden, type GoldenTensor, readGolden } from '../goldens.js';
import { deepClip, tinyClip } from '../model/tiny.js';

export const golden = readGolden(findGolden('dense-more/dense_more.safetensors')!);

/** Seven blocks, and twelve made of theirs and the tiny tower's; the caller frees what `release` frees. */
export function towers(): { deep7: Clip; deep12: Clip; release: () => void } {
  const deep7 = deepClip();
  const tiny = tinyClip();
  const own = deep7.weights.image!;
  const blocks = [...own.blocks, own.blocks[0]!, ...tiny.weights.image!.blocks];
  const config = { ...deep7.config, image: { ...deep7.config.image!, layers: blocks.length } };
  const deep12 = createClip(config, { ...deep7.weights, image: { ...own, blocks } });
  return {
    deep7,
    deep12,
    release: () => {
      deep7.dispose();
      tiny.dispose();
    },
  };
}

export const integers = ({ data }: GoldenTensor): number[] => Array.from(data as BigInt64Array, Number);

/** A golden as plain values, its batch of one kept. */
export const valuesOfGolden = (name: string): Values => {
  const { data, shape } = golden[name]!;
  return { data: data as Float32Array, shape };
};

/** Queries `[q, embedding]` as `[embedding, q]`. */
export function turned({ data, shape }: Values): Values {
  const [q, e] = shape as [number, number];
  return {
    data: Float32Array.from({ length: q * e }, (_, i) => data[(i % q) * e + Math.floor(i / q)]!),
    shape: [e, q],
  };
}

export interface GuidedRun {
  /** Values of the prefix, in the order of `prefixTensors`. */
  readonly prefix: Values[];
  readonly look: Values;
  readonly decided: Float32Array;
  readonly patches: Values;
}

/** A guide over one image, each half prepared on its own; `decided` given goes before what the guide decides. */
export async function runGuide(
  clip: Clip,
  guide: Guide,
  runner: Runner,
  pixels: Values,
  texts: Values,
  given?: Float32Array,
): Promise<GuidedRun> {
  const config = clip.config.image!;
  const [, , height, width] = pixels.shape as [number, number, number, number];
  const grid = { rows: height / config.patch, columns: width / config.patch };
  const reads = { patterns: [], ...guide.reads };
  const inputs = prefixInputs(config, reads);
  const embedding: InputSpec = { shape: [clip.config.embedding, 'queries'] };
  const pictures = { shape: ['batch', 3, 'height', 'width'] } as const;
  const first = await runner.prepare((x: Pixels) => prefixTensors(reads, clip.prefix(x, reads)), [pictures]);
  const look = await runner.prepare(
    (...all: Tensor[]) => guide.look(prefixFrom(reads, all.slice(0, -1)), all.at(-1) as Tensor2D),
    [...inputs, embedding],
  );
  const last = await runner.prepare(
    (...all: Tensor[]) => guide.patches(prefixFrom(reads, all.slice(0, -1)), all.at(-1) as Tensor3D),
    [...inputs, { shape: ['batch', 'side', 'side'] }],
  );
  try {
    const prefix = await first(pixels);
    const looked = await look(...prefix, texts);
    const window = { values: pixels.data as Float32Array, height, width };
    const decided = given ?? (await guide.decide(looked.data as Float32Array, grid, window));
    const side = Math.sqrt(decided.length);
    const patches = await last(...prefix, { data: decided, shape: [1, side, side] });
    return { prefix, look: looked, decided, patches };
  } finally {
    await Promise.all([first, look, last].map(one => one.dispose()));
  }
}
