import type { Builder, Dim, Value } from '../graph.js';
import { asRows, transposed } from './moves.js';
import { type Pass, rewrite, useCounts } from './rewrite.js';

/**
 * Spells out linear maps, and products of two matrices, as `Gemm`: it takes matrices as they are stored or turned, and
 * adds the bias on the way. Axes before the last are one while it runs.
 */
export const linearToGemm: Pass = graph =>
  rewrite(graph, (node, g) => {
    const [x, weight, bias] = node.inputs;
    const y = node.outputs[0]!;
    if (x?.dtype !== 'float32') return undefined;
    if (node.op === 'Linear') return [reshaped(g, gemm(g, reshaped(g, x, asRows(x.shape)), weight!, bias), y.shape)];
    if (node.op !== 'MatMul' || !isMatrix(x) || !isMatrix(weight!)) return undefined;
    return [reshaped(g, gemm(g, x, weight!, undefined), y.shape)];
  });

/** Whether a value is a matrix, or a batch of one. */
const isMatrix = ({ shape }: Value): boolean => shape.length >= 2 && shape.slice(0, -2).every(size => size === 1);

const reshaped = (g: Builder, x: Value, shape: readonly Dim[]): Value =>
  x.shape.length === shape.length ? x : g.op('Reshape', [x, g.ints(shape)], x.dtype, shape);

function gemm(g: Builder, left: Value, right: Value, bias: Value | undefined): Value {
  const [a, b] = [left, right].map(value => transposed(value) ?? value) as [Value, Value];
  const turned = { ...(a !== left && { transA: 1 }), ...(b !== right && { transB: 1 }) };
  const matrices = [a, b].map(value => reshaped(g, value, value.shape.slice(-2)));
  const shape = [left.shape.at(-2)!, right.shape.at(-1)!];
  return g.op('Gemm', [...matrices, ...(bias ? [bias] : [])], left.dtype, shape, turned);
}

/** Takes a bias that is added to a `Gemm` into it. */
export const biasIntoGemm: Pass = graph => {
  const uses = useCounts(graph);
  return rewrite(graph, (node, g) => {
    if (node.op !== 'Add') return undefined;
    const y = node.outputs[0]!;
    for (const [sum, bias] of [node.inputs, [...node.inputs].reverse()] as [Value, Value][]) {
      const isBatchOfOne = sum.node?.op === 'Reshape' && isMatrix(sum);
      const product = isBatchOfOne ? sum.node!.inputs[0]! : sum;
      const inner = product.node;
      const fits = bias.shape.length === 1 && bias.shape[0] === product.shape[1];
      if (inner?.op !== 'Gemm' || inner.inputs.length > 2 || uses(product) > 1 || uses(sum) > 1 || !fits) continue;
      const biased = g.op('Gemm', [...inner.inputs, bias], product.dtype, product.shape, inner.attributes);
      return [reshaped(g, biased, y.shape)];
    }
    return undefined;
  });
};
