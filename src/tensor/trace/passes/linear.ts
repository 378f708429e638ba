import type { Value } from '../graph.js';
import { transposed } from './moves.js';
import { type Pass, rewrite } from './rewrite.js';

/**
 * Spells out linear maps as a product that takes any number of axes and matrices as they are stored, and a sum. ONNX
 * Runtime does both in less time than a `Gemm` with a bias, which first fills its result with it.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.FusedMatMul
 */
export const linearToFusedMatMul: Pass = graph =>
  rewrite(graph, (node, g) => {
    if (node.op !== 'Linear') return undefined;
    const [x, weight, bias] = node.inputs as [Value, Value, Value?];
    const { dtype, shape } = node.outputs[0]!;
    const stored = transposed(weight);
    const turned = stored && { transB: 1 };
    const product = g.op('FusedMatMul', [x, stored ?? weight], dtype, shape, turned, 'com.microsoft');
    return [bias ? g.op('Add', [product, bias], dtype, shape) : product];
  });
