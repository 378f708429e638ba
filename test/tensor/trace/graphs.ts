/** Graphs as tests look at them and run them. */

import type { Values } from '../../../src/tensor/run/host.js';
import { dtypeOf } from '../../../src/tensor/run/host.js';
import { inlineHost } from '../../../src/tensor/run/inline.js';
import type { Tensor } from '../../../src/tensor/tfjs.js';
import type { Graph } from '../../../src/tensor/trace/graph.js';
import { recordGraph } from '../../../src/tensor/trace/model.js';
import { writeOnnx } from '../../../src/tensor/trace/onnx/write.js';
import { fusing, shaping, spelling, type Target } from '../../../src/tensor/trace/passes/index.js';
import type { Pass } from '../../../src/tensor/trace/passes/rewrite.js';
import type { InputSpec } from '../../../src/tensor/trace/signature.js';
import { fileSlices } from '../../../src/tensor/trace/weightFiles.js';
import { weightPlaces } from '../../../src/tensor/trace/weightPlaces.js';

/** A function as recorded, all its sizes known but for the batch. */
export async function recorded(fn: (...x: never[]) => unknown, signature: readonly InputSpec[]): Promise<Graph> {
  return (await recordGraph(fn as (...x: Tensor[]) => unknown, signature, {}, [])).graph;
}

/** Brings a graph to the form that is written, at once. */
export const lower = (graph: Graph, target: Target = 'cpu'): Graph => lowerWithout(graph, undefined, target);

/** The same with one pass left out. */
export const lowerWithout = (graph: Graph, left: Pass | undefined, target: Target = 'cpu'): Graph =>
  [...shaping, ...fusing[target], ...spelling]
    .filter(pass => pass !== left)
    .reduce((current, pass) => pass(current), graph);

/** Runs a lowered graph once. */
export async function runGraph(graph: Graph, inputs: readonly Values[]): Promise<Record<string, Values>> {
  const { placement, access } = weightPlaces(fileSlices(graph));
  const session = await inlineHost({ model: await writeOnnx(graph, placement), threads: 1, ...access });
  try {
    const names = graph.inputs.map(({ source }) => (source as { name: string }).name);
    return await session.run(Object.fromEntries(names.map((name, i) => [name, inputs[i]!])));
  } finally {
    await session.release();
  }
}

/** Numbers from -1 to 1 that look random and are the same each time. */
export function noise(shape: readonly number[], seed = 1): Values {
  let state = seed;
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return { data, shape, dtype: dtypeOf(data) };
}
