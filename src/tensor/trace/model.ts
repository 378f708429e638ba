/** From a function to an ONNX model in memory, beside the weight files that it refers to. */

import { turn } from '../../turns.js';
import type { WeightAccess } from '../run/host.js';
import type { FileSlice } from '../stored.js';
import type { Tensor } from '../tfjs.js';
import { type Dim, type Graph, type Value, valuesOf } from './graph.js';
import { merge } from './merge.js';
import { writeOnnx } from './onnx/write.js';
import { fusing, shaping, spelling, type Target } from './passes/index.js';
import type { Pass } from './passes/rewrite.js';
import { type QuantizedMatrices, quantizeLinears } from './quantize.js';
import { type Recording, record } from './record.js';
import { freeSize, type InputSpec, isFree, type Sizes, withSizes } from './signature.js';
import { checkFiles, fileSlices } from './weightFiles.js';
import { weightPlaces } from './weightPlaces.js';

export interface Model {
  /** The ONNX model. */
  readonly bytes: Uint8Array;
  /** The weights it refers to. */
  readonly weights: readonly FileSlice[];
  /** Where its references lead. */
  readonly access: WeightAccess;
  /** Names of its inputs, those of lifted tensors last. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What its outputs are like, in the same order. */
  readonly results: readonly Pick<Value, 'dtype' | 'shape'>[];
  /** What the function returned, without its tensors; see `restructure`. */
  readonly skeleton: unknown;
}

/**
 * Batch sizes to record a function at: primes that are no size of any model, so that a size that happens to be equal is
 * not taken for the batch, and far enough apart that what is done in chunks shows. The last is asked only where
 * something follows the batch in another way than in proportion: two points would take any curve for a line.
 */
const trialBatches = { first: [11, 23], doubtful: 17 } as const;

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
  const batches: number[] = isFree(signature) ? [...trialBatches.first] : [1, 1];
  const recordings: Recording[] = [];
  const recordAt = async (batch: number) => {
    recordings.push(record(fn, withSizes(signature, { ...sizes, [freeSize]: batch }), lifted));
    await turn();
  };
  const laidOver = () =>
    merge(
      recordings.map(recording => recording.graph),
      batches,
    );
  for (const batch of batches) await recordAt(batch);
  let graph = await laidOver();
  if (!inProportion(graph)) {
    batches.push(trialBatches.doubtful);
    await recordAt(trialBatches.doubtful);
    graph = await laidOver();
  }
  checkFiles(fileSlices(graph));
  await turn();
  return { graph, skeleton: recordings[0]!.skeleton };
}

/** Whether each size is a number or a multiple of the batch. */
function inProportion(graph: Graph): boolean {
  const isPlain = (dim: Dim) => typeof dim === 'number' || dim.offset === 0;
  const ints = ({ source }: Value) => (source?.kind === 'ints' ? source.ints : []);
  return valuesOf(graph).every(value => value.shape.every(isPlain) && ints(value).every(isPlain));
}

/** How a graph is to be computed. */
export interface Lowering {
  /** `s8`: linear maps in eight-bit whole numbers; see `quantize.ts`. */
  readonly quantize?: 's8' | undefined;
  /** Weights that were quantised before. */
  readonly quantized?: QuantizedMatrices;
  /** Default: `cpu`; with `any`, operators of ONNX alone. */
  readonly target?: Target;
}

/** Brings a recorded graph to the form that is written. */
export async function lowered(graph: Graph, lowering: Lowering): Promise<Graph> {
  const { quantize, quantized = new Map(), target = 'cpu' } = lowering;
  const shaped = await passed(graph, shaping);
  const maps = quantize ? await quantizeLinears(shaped, quantized) : shaped;
  return passed(maps, [...fusing[target], ...spelling]);
}

async function passed(graph: Graph, passes: readonly Pass[]): Promise<Graph> {
  let current = graph;
  for (const pass of passes) {
    current = pass(current);
    await turn();
  }
  return current;
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
  const { placement, access } = weightPlaces(weights);
  return {
    bytes: await writeOnnx(graph, placement),
    weights,
    access,
    inputs: graph.inputs.map(({ source }) => (source as { name: string }).name),
    outputs: graph.outputs.map(({ name }) => name),
    results: recorded.outputs.map(({ value }) => value),
    skeleton,
  };
}
