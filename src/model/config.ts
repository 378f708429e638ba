import type { Grid } from '../attention/attention.js';
import { InputError, suggestion } from '../errors.js';
import type { Activation } from '../tensor/ops/gelu.js';
import { gelu, quickGelu } from '../tensor/ops/gelu.js';
import { silu } from '../tensor/ops/silu.js';

export const activations: Readonly<Record<'quick_gelu' | 'gelu' | 'silu', Activation>> = {
  quick_gelu: quickGelu,
  gelu,
  silu,
};
export type ActivationName = keyof typeof activations;

/** What the two towers have in common. Sizes in channels, `mlpWidth` that of the feed-forward's middle. */
export interface TowerConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly mlpWidth: number;
  readonly activation: ActivationName;
  readonly layerNormEpsilon: number;
}

export interface ImageConfig extends TowerConfig {
  /** Side of a patch in pixels. */
  readonly patch: number;
  /** Side of the square input the stored positions belong to, in pixels. */
  readonly imageSize: number;
  /** What makes it EVA-02's tower; absent in OpenAI's. */
  readonly eva?: EvaTraits;
  /** Attention in windows in most blocks; absent: every patch looks at every other. */
  readonly windows?: WindowedBlocks;
}

/**
 * What EVA02-CLIP's image tower (Sun et al., arXiv 2303.15389) has that OpenAI's has not: rotary positions of the patches
 * beside the stored ones, a normalisation of its own before the last map of the attention and of the feed-forward, a
 * second map that the activation gates (SwiGLU), biases of the patches and of the projection; neither a bias of the keys
 * nor `ln_pre`.
 */
export interface EvaTraits {
  /** Side of the grid that the rotary positions were pre-trained on: every other grid is stretched over it. */
  readonly rotaryGrid: number;
}

/** Blocks whose patches see their own window only. */
export interface WindowedBlocks {
  /** Side of a window, in patches. */
  readonly size: number;
  /** Blocks, from 0, that look everywhere all the same. */
  readonly global: readonly number[];
}

/**
 * Which token's row is the sentence: the first with the largest id (OpenAI), or the first with a given id
 * (Hugging Face, for models whose end token is not the largest).
 */
export type Pooling = 'largest-id' | { readonly firstOf: number };

export interface TextConfig extends TowerConfig {
  /** Longest text in tokens, start and end included. */
  readonly context: number;
  readonly vocabulary: number;
  readonly pooling: Pooling;
}

/** A CLIP by its sizes. A checkpoint may hold one tower only. */
export interface ClipConfig {
  readonly image?: ImageConfig;
  readonly text?: TextConfig;
  /** Width of the joint embedding. */
  readonly embedding: number;
}

interface Sizes {
  image: [width: number, layers: number, heads: number, patch: number, imageSize: number];
  text: [width: number, layers: number, heads: number];
  embedding: number;
  activation: ActivationName;
}

function named({ image, text, embedding, activation }: Sizes): ClipConfig {
  const common = { activation, layerNormEpsilon: 1e-5 };
  const [width, layers, heads, patch, imageSize] = image;
  const [textWidth, textLayers, textHeads] = text;
  return {
    embedding,
    image: { ...common, width, layers, heads, mlpWidth: 4 * width, patch, imageSize },
    text: {
      ...common,
      width: textWidth,
      layers: textLayers,
      heads: textHeads,
      mlpWidth: 4 * textWidth,
      context: 77,
      vocabulary: 49408,
      pooling: 'largest-id',
    },
  };
}

/** What every published EVA02-CLIP's image tower has and shapes do not tell. */
export const evaDefaults = { activation: 'silu', layerNormEpsilon: 1e-6, eva: { rotaryGrid: 16 } } as const;

/** EVA02-CLIP: an image tower of its own beside a text tower of OpenCLIP's. */
function evaNamed(mlpWidth: number, sizes: Omit<Sizes, 'activation'>): ClipConfig {
  const { image, ...rest } = named({ ...sizes, activation: 'gelu' });
  return { ...rest, image: { ...image!, ...evaDefaults, mlpWidth } };
}

/** Published architectures by name (OpenAI; Microsoft's TinyCLIP, which uses the exact GELU; BAAI's EVA02-CLIP). */
export const namedConfigs: Readonly<Record<string, ClipConfig>> = {
  'ViT-B/32': named({
    image: [768, 12, 12, 32, 224],
    text: [512, 12, 8],
    embedding: 512,
    activation: 'quick_gelu',
  }),
  'ViT-B/16': named({
    image: [768, 12, 12, 16, 224],
    text: [512, 12, 8],
    embedding: 512,
    activation: 'quick_gelu',
  }),
  'ViT-L/14': named({
    image: [1024, 24, 16, 14, 224],
    text: [768, 12, 12],
    embedding: 768,
    activation: 'quick_gelu',
  }),
  'ViT-L/14@336px': named({
    image: [1024, 24, 16, 14, 336],
    text: [768, 12, 12],
    embedding: 768,
    activation: 'quick_gelu',
  }),
  'TinyCLIP-ViT-8M-16-Text-3M': named({
    image: [256, 10, 4, 16, 224],
    text: [256, 3, 4],
    embedding: 512,
    activation: 'gelu',
  }),
  'TinyCLIP-ViT-39M-16-Text-19M': named({
    image: [512, 12, 8, 16, 224],
    text: [512, 6, 8],
    embedding: 512,
    activation: 'gelu',
  }),
  'EVA02-CLIP-B-16': evaNamed(2048, { image: [768, 12, 12, 16, 224], text: [512, 12, 8], embedding: 512 }),
  'EVA02-CLIP-L-14': evaNamed(2730, { image: [1024, 24, 16, 14, 224], text: [768, 12, 12], embedding: 768 }),
  'EVA02-CLIP-L-14-336': evaNamed(2730, { image: [1024, 24, 16, 14, 336], text: [768, 12, 12], embedding: 768 }),
};

/** The published architecture of that name. @throws InputError naming the nearest when there is none. */
export function configByName(name: string): ClipConfig {
  if (Object.hasOwn(namedConfigs, name)) return namedConfigs[name]!;
  throw new InputError(`unknown architecture '${name}'${suggestion(name, Object.keys(namedConfigs))}`);
}

/** Rows and columns of patches of an image; a remainder at the right and bottom edge is not seen by the model. */
export function gridOf({ patch }: ImageConfig, height: number, width: number): Grid {
  if (!(height >= patch && width >= patch)) {
    throw new InputError(
      `image tower: expected at least one patch of ${patch} x ${patch} pixels, got ${height} x ${width}`,
    );
  }
  return { rows: Math.floor(height / patch), columns: Math.floor(width / patch) };
}

/**
 * Scores that all heads of a block may have at once: 400 MB of them, and as much again for their softmax. Past that the
 * wasm engine, which has 4 GB in all, gives up in the middle of a run.
 */
const mostScores = 1e8;

/** Refuses grids of so many patches that their attention, quadratic in them, would not fit in memory. */
export function checkAttention(where: string, { heads }: ImageConfig, batch: number, grid: Grid, mend: string): void {
  if (batch * heads * (1 + grid.rows * grid.columns) ** 2 <= mostScores) return;
  const images = batch > 1 ? `${batch} images of ` : '';
  throw new InputError(
    `${where}: ${images}${grid.rows} x ${grid.columns} patches at once are too many for the attention of ${heads} heads; ${mend}`,
  );
}
