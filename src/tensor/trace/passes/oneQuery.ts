import type { Builder, Value } from '../graph.js';
import { type Attention, attentionEndingAt, type HeadMap, headMap } from './attention.js';
import { transposed } from './moves.js';
import { type Pass, rewrite, useCounts } from './rewrite.js';

/**
 * Attention of a single query needs no keys and no values. A score is `q (x K + k) = x (K q) + q k`, where the last term is
 * the same for all tokens and softmax takes no notice of it; what is mixed is `p (x V + v) = (p x) V + v`, since the
 * pattern sums to one. So the maps of keys and values are done once for the query instead of for every token: a
 * twelfth of a ViT-B's last block when nothing but the embedding is asked for is all that is left of them.
 */
export const oneQuery: Pass = graph => {
  const uses = useCounts(graph);
  return rewrite(graph, (node, g) => {
    const found = attentionEndingAt(node, uses);
    if (found?.q.shape[1] !== 1) return undefined;
    const [keys, values] = [found.k, found.v].map(inHeads => headMap(inHeads, uses));
    const ofTokens = [keys, values].every(map => map?.x.shape.length === 3);
    return keys && values && ofTokens ? [mixed(g, found, keys, values, node.outputs[0]!)] : undefined;
  });
};

function mixed(g: Builder, { q, k, heads, scale }: Attention, keys: HeadMap, values: HeadMap, y: Value): Value {
  const { dtype } = y;
  const [batch, , , size] = q.shape as [Value['shape'][number], 1, number, number];
  const tokens = k.shape[1]!;
  const [width, valueWidth] = [keys.x.shape[2]!, values.x.shape[2]!];
  const reshaped = (x: Value, shape: Value['shape']) => g.op('Reshape', [x, g.ints(shape)], dtype, shape);
  const product = (a: Value, b: Value, shape: Value['shape']) => g.op('MatMul', [a, b], dtype, shape);
  const perHead = (weight: Value, inputs: Value['shape'][number]) =>
    reshaped(outputsFirst(g, weight), [heads, size, inputs]);

  const query = reshaped(g.op('Mul', [q, g.scalar(scale, 'float32')], dtype, q.shape), [batch, heads, 1, size]);
  const toTokens = product(query, perHead(keys.weight, width), [batch, heads, 1, width]);
  const across = g.op('Transpose', [keys.x], dtype, [batch, width, tokens], { perm: [0, 2, 1] });
  const scores = product(reshaped(toTokens, [batch, heads, width]), across, [batch, heads, tokens]);
  const pattern = g.op('Softmax', [scores], dtype, scores.shape, { axis: 2 });
  const sums = product(pattern, values.x, [batch, heads, valueWidth]);
  const column = reshaped(sums, [batch, heads, valueWidth, 1]);
  const merged = reshaped(product(perHead(values.weight, valueWidth), column, [batch, heads, size, 1]), y.shape);
  return values.bias ? g.op('Add', [merged, values.bias], dtype, y.shape) : merged;
}

/** A matrix `[in, out]` as `[out, in]`, which is how most files have it. */
function outputsFirst(g: Builder, weight: Value): Value {
  const [inputs, outputs] = weight.shape as [number, number];
  return transposed(weight) ?? g.op('Transpose', [weight], weight.dtype, [outputs, inputs], { perm: [1, 0] });
}
