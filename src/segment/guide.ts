/**
 * Methods that decide something between two looks: what a first look at the shared blocks gives is taken to plain code,
 * and what that makes of it goes into the last blocks.
 */
import type { Grid } from '../attention/attention.js';
import { InputError } from '../errors.js';
import type { Clip } from '../model/clip.js';
import type { ImageConfig } from '../model/config.js';
import type { Reads, Variant } from '../model/imageTower.js';
import type { Prefix } from '../model/prefix.js';
import type { Tensor2D, Tensor3D, Tokens } from '../tensor/tfjs.js';
import type { Protocol } from './protocols.js';

/** A window as the network sees it, padding included. */
export interface WindowPixels {
  /** `[3, height, width]`, normalised. */
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** The two looks of a method and what lies between them. Both looks are recorded when they are compiled. */
export interface Guide {
  /** What both looks read of the ordinary blocks. */
  readonly reads: Reads;
  /** The first look: `[b, …, …]`. `texts` is `[embedding, names]`. */
  look(prefix: Prefix, texts: Tensor2D): Tensor3D;
  /** From one window's part of the first look to a square matrix of values. */
  decide(looked: Float32Array, grid: Grid, window: WindowPixels): Float32Array | Promise<Float32Array>;
  /** The last look: projected patches `[b, n, embedding]`, no class token. `decided` is `[b, m, m]`. */
  patches(prefix: Prefix, decided: Tensor3D): Tokens;
}

/**
 * A method's guide for one model. `variant` is the method's own, with what the caller changed of it.
 * @throws InputError for a tower with too few blocks, constants out of range, or changes that the method does not know.
 */
export type OpenGuide = (clip: Clip, variant: Variant, protocol: Protocol) => Guide;

/** The guide that a variant carries. @throws InputError when what it carries is none. */
export function guideOf({ guide }: Variant): OpenGuide | undefined {
  if (guide === undefined || typeof guide === 'function') return guide as OpenGuide | undefined;
  throw new InputError(`segment: expected a method's guide as a function, got ${typeof guide}`);
}

/** @throws InputError for a tower of one block, which has none before the last to read. */
export function checkDepth(method: string, { layers }: ImageConfig): void {
  if (layers < 2) throw new InputError(`${method}: expected an image tower of at least 2 blocks, got ${layers}`);
}
