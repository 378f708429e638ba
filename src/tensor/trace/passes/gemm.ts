import type { Builder, Value } from '../graph.js';
import { asRows, transposed } from './moves.js';
import { type Pass, rewrite, useCounts } from './rewrite.js';

/**
 * Spells out linear maps, and products of two matrices, as `Gemm`: it takes a weight as it is stored, `[out, in]`,
 * and adds the bias on the way. Axes before the last are one while it runs.
 */
export const linearToGemm: Pass = graph =>
  rewrite(graph, (node, g) => {
    const [x, weight, bias] = node.inputs;
    const y = node.outputs[0]!;
    const matrices = node.op === 'MatMul' && x?.shape.length === 2 && weight?.shape.length === 2;
    if ((node.op !== 'Linear' && !matrices) || x?.dtype !== 'float32') return undefined;
    const rows = x.shape.length === 2 ? x : flat(g, x);
    const product = gemm(g, rows, weight!, bias);
    return [x.shape.length === 2 ? product : g.op('Reshape', [product, g.ints(y.shape)], y.dtype, y.shape)];
  });

function flat(g: Builder, x: Value): Value {
  const shape = asRows(x.shape);
  return g.op('Reshape', [x, g.ints(shape)], x.dtype, shape);
}

function gemm(g: Builder, x: Value, weight: Value, bias: Value | undefined): Value {
  const stored = transposed(weight);
  const inputs = [x, stored ?? weight, ...(bias ? [bias] : [])];
  return g.op('Gemm', inputs, x.dtype, [x.shape[0]!, weight.shape[1]!], stored ? { transB: 1 } : {});
}

/** Takes a bias that is added to a `Gemm` into it. */
export const biasIntoGemm: Pass = graph => {
  const uses = useCounts(graph);
  return rewrite(graph, (node, g) => {
    if (node.op !== 'Add') return undefined;
    for (const [product, bias] of [node.inputs, [...node.inputs].reverse()] as [Value, Value][]) {
      const inner = product.node;
      const fits = bias.shape.length === 1 && bias.shape[0] === product.shape[1] && product.shape.length === 2;
      if (inner?.op !== 'Gemm' || inner.inputs.length > 2 || uses(product) > 1 || !fits) continue;
      return [g.op('Gemm', [...inner.inputs, bias], product.dtype, product.shape, inner.attributes)];
    }
    return undefined;
  });
};
