/**
 * The only file that imports TensorFlow.js. What the house uses of it passes through here, and what users write attentions
 * and losses with, so that another backend, or a recording one, has one door to stand behind.
 */
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import core from './tfjsCore.cjs';

export const {
  abs,
  add,
  argMax,
  backend,
  broadcastTo,
  cast,
  clipByValue,
  clone,
  concat,
  cumprod,
  cumsum,
  customGrad,
  dispose,
  div,
  einsum,
  equal,
  erf,
  exp,
  expandDims,
  fill,
  floor,
  fused,
  gather,
  gatherND,
  getBackend,
  greater,
  greaterEqual,
  keep,
  less,
  lessEqual,
  log,
  logicalAnd,
  matMul,
  max,
  maximum,
  mean,
  memory,
  min,
  minimum,
  mul,
  neg,
  norm,
  oneHot,
  ones,
  pad,
  range,
  relu,
  reverse,
  rsqrt,
  scalar,
  scatterND,
  sigmoid,
  slice,
  softmax,
  split,
  sqrt,
  square,
  squeeze,
  stack,
  sub,
  sum,
  tensor,
  tensor1d,
  tensor2d,
  tensor3d,
  tensor4d,
  tile,
  topk,
  transpose,
  unstack,
  where,
  zeros,
} = core;

export type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D };

/** The same values under another shape; the caller names the tensor type it makes. */
export const reshape = <T extends Tensor>(x: Tensor, shape: number[]): T => core.reshape(x, shape) as unknown as T;

/** Runs `f` and frees every tensor made on the way that its result does not hold. */
export const tidy = <T>(f: () => T): T => core.tidy(f as () => Tensor) as T;

/** Token rows of a tower: `[batch, token, width]`; the image tower has the class token at index 0. */
export type Tokens = Tensor3D;
/** Queries, keys or values apart by head: `[batch, head, token, head width]`. */
export type Heads = Tensor4D;
/** Attention scores or weights: `[batch, head, query token, key token]`. */
export type Pattern = Tensor4D;
/** Pixels as the model sees them: `[batch, 3, height, width]`, normalised. */
export type Pixels = Tensor4D;

/** A learned linear map with its weight as `[in, out]`: the layout every engine multiplies fastest. */
export interface Linear {
  readonly weight: Tensor2D;
  readonly bias?: Tensor1D;
}

/** Gain and shift of a layer normalisation, `[width]` each. */
export interface Norm {
  readonly weight: Tensor1D;
  readonly bias: Tensor1D;
}
