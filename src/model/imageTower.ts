/**
 * The image tower, step by step: patches, positions, blocks, projection (OpenAI CLIP, `clip/model.py`,
 * VisionTransformer). A run has two halves: the stream through the ordinary blocks, and a tail that may do the last
 * ones differently; several tails can share one stream.
 */
import type { Grid } from '../attention/attention.js';
import { windowed } from '../attention/windowed.js';
import { InputError } from '../errors.js';
import { layerNorm } from '../tensor/ops/layerNorm.js';
import { linear } from '../tensor/ops/linear.js';
import { unitLength } from '../tensor/ops/unitLength.js';
import {
  add,
  concat,
  mul,
  type Norm,
  type Pattern,
  type Pixels,
  reshape,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tokens,
} from '../tensor/tfjs.js';
import { type BlockContext, type BlockOptions, type BlockWeights, block } from './block.js';
import { gridOf, type ImageConfig } from './config.js';
import { type EmbedWeights, embed } from './embed.js';
import { type Point, type Points, scoped } from './points.js';
import type { PositionMode } from './positions.js';
import { type Rotary, rotaryOf } from './rotary.js';

export interface ImageWeights extends EmbedWeights {
  readonly blocks: readonly BlockWeights[];
  readonly lnPost: Norm;
  /** `[w, embedding]`. */
  readonly projection: Tensor2D;
  /** `[embedding]`; EVA-02 only. */
  readonly projectionBias?: Tensor1D;
}

/** How the last blocks of the image tower are done. Nothing given: as CLIP was trained. */
export interface Variant extends BlockOptions {
  /** How many last blocks are changed; default 1. More than there are means all. */
  blocks?: number;
  /**
   * `main`: the changed blocks follow each other in the stream. `sum`: each changed block reads the ordinary stream,
   * and their outputs are added (ClearCLIP's `last_n_layers`). `side`: the stream stays ordinary and a second path
   * beside it, starting from the stream, gathers what the changed attention makes of it (CLIP Surgery, GEM).
   */
  path?: 'main' | 'sum' | 'side';
  /** With `side`: whose class token the output carries; default the path's own. */
  classToken?: 'side' | 'stream';
  /** Set by methods whose last blocks take more than one run; `segment` runs those, and a model refuses them. */
  guide?: unknown;
}

/** What a run of the tower gives. */
export interface ImageOutput {
  /** Every token after the last normalisation and the projection, `[b, 1 + n, embedding]`, class token first. */
  tokens: Tokens;
  /** The class token's row of `tokens`, `[b, embedding]`. */
  pooled: Tensor2D;
  /** The same at unit length: CLIP's image embedding. */
  embedding: Tensor2D;
}

/** Blocks `start .. end - 1`. */
export interface BlockRange {
  readonly start: number;
  readonly end: number;
}

/** What is wanted of the ordinary stream. */
export interface Reads {
  /** Blocks whose input is wanted; the number of layers stands for what leaves the last one. */
  readonly states: readonly number[];
  /** Blocks whose attention patterns are wanted, averaged over the blocks of each range. */
  readonly patterns?: readonly BlockRange[];
}

/** The ordinary stream, kept where tails may set in: `states[i]` is what enters block i. */
export interface Stream {
  readonly grid: Grid;
  /** How the grid turns queries and keys, in towers that do so. */
  readonly rotary?: Rotary | undefined;
  readonly states: ReadonlyMap<number, Tokens>;
  /** Mean patterns `[b, h, n, n]`, by `rangeName`. */
  readonly patterns: ReadonlyMap<string, Pattern>;
}

/** What blocks know of where the tokens are. */
type Place = Pick<Stream, 'grid' | 'rotary'>;

export const rangeName = ({ start, end }: BlockRange): string => `${start}-${end - 1}`;

export interface ImageRun {
  readonly config: ImageConfig;
  readonly weights: ImageWeights;
  readonly points: Points;
  /** Blocks of the stream done differently, by index. */
  readonly blocks?: Readonly<Record<number, BlockOptions>>;
}

/** The turns of a grid's patches, in towers that have rotary positions. */
export const towerRotary = ({ width, heads, eva }: ImageConfig, grid: Grid): Rotary | undefined =>
  eva && rotaryOf(grid, width / heads, eva.rotaryGrid);

/** Runs the ordinary blocks as far as something is read. */
export function runStream(run: ImageRun, pixels: Pixels, mode: PositionMode, reads: Reads): Stream {
  const { points } = run;
  const ranges = reads.patterns ?? [];
  const states = new Map<number, Tokens>();
  const patterns = new Map<string, Pattern>();
  const [, , height, width] = pixels.shape;
  const grid = gridOf(run.config, height, width);
  const place: Place = { grid, rotary: towerRotary(run.config, grid) };
  let x = scoped(points, () => embed(run, pixels, mode));
  const through = Math.max(...reads.states, ...ranges.map(({ end }) => end));
  for (let i = 0; i <= through; i++) {
    const wanted = reads.states.includes(i);
    if (wanted) states.set(i, x);
    if (i === through) break;
    const entering = x;
    const averaged = ranges.filter(({ start, end }) => start <= i && i < end);
    const made = scoped(points, () => streamBlock(run, place, i, entering, averaged, patterns));
    x = made.leaving;
    averaged.forEach((range, at) => {
      patterns.get(rangeName(range))?.dispose();
      patterns.set(rangeName(range), made.means[at]!);
    });
    if (!wanted) entering.dispose();
  }
  if (!reads.states.includes(through)) x.dispose();
  return { ...place, states, patterns };
}

/** One block of the stream, and what its pattern makes of the means that it is part of. */
function streamBlock(
  run: ImageRun,
  place: Place,
  index: number,
  entering: Tokens,
  averaged: readonly BlockRange[],
  before: Stream['patterns'],
): { leaving: Tokens; means: Pattern[] } {
  const own = run.points.under(`blocks.${index}.`);
  let pattern: Pattern | undefined;
  const watched: Point = (name, value) => {
    const visible = own(name, value);
    if (name === 'attn.pattern') pattern = visible as Tensor as Pattern;
    return visible;
  };
  const leaving = towerBlock(run, place, index, entering, watched, run.blocks?.[index]);
  const means = averaged.map(range => {
    if (!pattern) throw new InputError(`image tower: the attention of block ${index} makes no pattern to average`);
    const share: Pattern = mul(pattern, 1 / (range.end - range.start));
    const sum = before.get(rangeName(range));
    return sum ? add<Pattern>(sum, share) : share;
  });
  return { leaving, means };
}

/** Index of the first changed block of a variant. */
export const firstChanged = (config: ImageConfig, { blocks = 1 }: Variant): number =>
  Math.max(0, config.layers - blocks);

/** The states of the stream that a variant's tail reads. */
export function statesFor(config: ImageConfig, variant: Variant): number[] {
  const first = firstChanged(config, variant);
  if ((variant.path ?? 'main') === 'main') return [first];
  const all = Array.from({ length: config.layers - first }, (_, i) => first + i);
  return variant.path === 'side' && variant.classToken === 'stream' ? [...all, config.layers] : all;
}

/** The last blocks of a variant, then normalisation and projection. */
export function runTail(run: ImageRun, stream: Stream, variant: Variant): ImageOutput {
  const last = tails[variant.path ?? 'main'](run, stream, variant);
  return project(run, last);
}

type Tail = (run: ImageRun, stream: Stream, variant: Variant) => Tokens;

const tails: Record<NonNullable<Variant['path']>, Tail> = {
  main(run, stream, variant) {
    const first = firstChanged(run.config, variant);
    let x = stream.states.get(first)!;
    for (let i = first; i < run.config.layers; i++) {
      const entering = x;
      const options = { ...run.blocks?.[i], ...variant };
      x = scoped(run.points, () => towerBlock(run, stream, i, entering, run.points.under(`blocks.${i}.`), options));
      if (i > first) entering.dispose();
    }
    return x;
  },

  sum(run, stream, variant) {
    const first = firstChanged(run.config, variant);
    let total: Tokens | undefined;
    for (let i = first; i < run.config.layers; i++) {
      const before = total;
      total = scoped(run.points, () => {
        const options = { ...run.blocks?.[i], ...variant };
        const out = towerBlock(run, stream, i, stream.states.get(i)!, run.points.under(`blocks.${i}.`), options);
        return before ? add<Tokens>(before, out) : out;
      });
      before?.dispose();
    }
    return total!;
  },

  side(run, stream, variant) {
    const first = firstChanged(run.config, variant);
    let side = stream.states.get(first)!;
    for (let i = first; i < run.config.layers; i++) {
      const entering = side;
      const state = stream.states.get(i)!;
      side = scoped(run.points, () =>
        towerBlock(run, stream, i, entering, run.points.under(`side.blocks.${i}.`), { ffn: false, ...variant }, state),
      );
      if (i > first) entering.dispose();
    }
    if (variant.classToken !== 'stream') return side;
    const [b, n, w] = side.shape;
    const end = stream.states.get(run.config.layers)!;
    return concat([slice(end, [0, 0, 0], [b, 1, w]), slice(side, [0, 1, 0], [b, n - 1, w])], 1);
  },
};

/** Block `index` of the tower, in windows where its config says so and the options do not say otherwise. */
function towerBlock(
  { config, weights }: ImageRun,
  { grid, rotary }: Place,
  index: number,
  entering: Tokens,
  point: Point,
  options?: BlockOptions,
  source?: Tokens,
): Tokens {
  const context: BlockContext = { config, grid, rotary };
  const { windows } = config;
  const own = windows && !windows.global.includes(index) ? { attention: windowed(windows) } : {};
  return block(entering, weights.blocks[index]!, context, point, { ...own, ...options }, source);
}

/** The end of the tower, for every token: `[b, n, w] -> [b, n, embedding]`. */
export function projectTokens({ config, weights: w, points: { point } }: ImageRun, x: Tokens): Tokens {
  const normed = point('ln_post', layerNorm(x, w.lnPost, config.layerNormEpsilon));
  const head = { weight: w.projection, ...(w.projectionBias && { bias: w.projectionBias }) };
  return point('tokens', linear(normed, head));
}

function project(run: ImageRun, x: Tokens): ImageOutput {
  const { point } = run.points;
  const tokens = projectTokens(run, x); // [b, 1 + n, e]
  const [b, , e] = tokens.shape;
  const pooled = point('pooled', reshape<Tensor2D>(slice(tokens, [0, 0, 0], [b, 1, e]), [b, e]));
  const embedding = point('embedding', unitLength(pooled));
  return { tokens, pooled, embedding };
}
