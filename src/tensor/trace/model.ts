/** From a function to an ONNX model in memory, beside the weight files that it refers to. */
import { setImmediate as turn } from 'node:timers/promises';
import type { FileSlice } from '../stored.js';
import type { Tensor } from '../tfjs.js';
import { readyConstants } from './constants.js';
import type { Dim, Graph } from './graph.js';
import { merge } from './merge.js';
import { type Placement, writeOnnx } from './onnx/write.js';
import { lower, shaping, spelling } from './passes/index.js';
import { type QuantizedMatrices, quantizeLinears } from './quantize.js';
import { type Recording, record } from './record.js';
import { freeSize, type InputSpec, isFree, type Sizes, withSizes } from './signature.js';
import { checkFiles, commonFolder, fileSlices, pathFrom } from './weightFiles.js';

export interface Model {
  /** The ONNX model. */
  readonly bytes: Uint8Array;
  /** The folder that its references to weights start from; absent when it refers to none. */
  readonly folder?: string;
  /** The weights it refers to. */
  readonly weights: readonly FileSlice[];
  /** Names of its inputs, those of lifted tensors last. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What the function returned, without its tensors; see `restructure`. */
  readonly skeleton: unknown;
}

/**
 * Batch sizes to record a function at. Three, because two would take a quadratic size for a linear one; primes that are
 * no size of any model, so that a size that happens to be equal is not taken for the batch.
 */
const trialBatches = [11, 13, 17];

/**
 * Records a function as one graph. Between its steps it lets the event loop turn.
 *
 * @param sizes what the names in the signature stand for; the batch stays free.
 * @throws InputError when the function cannot be recorded, or a file of weights is no longer the one that was loaded.
 */
export async function recordGraph(
  fn: (...inputs: Tensor[]) => unknown,
  signature: readonly InputSpec[],
  sizes: Sizes,
  lifted: readonly Tensor[],
): Promise<Recording<Dim>> {
  await readyConstants();
  const batches = isFree(signature) ? trialBatches : [1, 1];
  const recordings: Recording[] = [];
  for (const batch of batches) {
    recordings.push(record(fn, withSizes(signature, { ...sizes, [freeSize]: batch }), lifted));
    await turn();
  }
  const graphs = recordings.map(recording => recording.graph);
  const graph = merge(graphs, batches);
  checkFiles(fileSlices(graph));
  await turn();
  return { graph, skeleton: recordings[0]!.skeleton };
}

/** How a graph is to be computed. */
export interface Lowering {
  /** `s8`: linear maps in eight-bit whole numbers; see `quantize.ts`. */
  readonly quantize?: 's8' | undefined;
  /** Weights that were quantised before. */
  readonly quantized?: QuantizedMatrices;
}

/** Brings a recorded graph to the form that is written. */
export async function lowered(graph: Graph, { quantize, quantized = new Map() }: Lowering): Promise<Graph> {
  const shaped = lower(graph, shaping);
  await turn();
  const spelt = lower(quantize ? await quantizeLinears(shaped, quantized) : shaped, spelling);
  await turn();
  return spelt;
}

/** Records a function and writes its graph, which refers to the files that weights lie in. Errors as `recordGraph`. */
export async function makeModel(
  fn: (...inputs: Tensor[]) => unknown,
  signature: readonly InputSpec[],
  sizes: Sizes,
  lifted: readonly Tensor[],
  lowering: Lowering = {},
): Promise<Model> {
  const { graph: recorded, skeleton } = await recordGraph(fn, signature, sizes, lifted);
  const graph = await lowered(recorded, lowering);
  const weights = fileSlices(graph);
  const folder = commonFolder(weights);
  return {
    bytes: writeOnnx(graph, inFiles(folder)),
    ...(folder !== undefined && { folder }),
    weights,
    inputs: graph.inputs.map(({ source }) => (source as { name: string }).name),
    outputs: graph.outputs.map(({ name }) => name),
    skeleton,
  };
}

/** Leaves weights where they are, in files that are named from a folder. */
export const inFiles =
  (folder: string | undefined): Placement =>
  ({ source }) => {
    if (source?.kind !== 'file' || folder === undefined) return undefined;
    const { path, offset, length } = source.slice;
    return { location: pathFrom(folder, path), offset, length };
  };
