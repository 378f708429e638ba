import { type Builder, type Dim, sameShape, type Value } from '../graph.js';
import { type Attention, attentionEndingAt, type HeadMap, headMap } from './attention.js';
import { transposed } from './moves.js';
import { type Pass, rewrite, useCounts } from './rewrite.js';

/**
 * Attention of a single query needs no keys and no values. A score is `q (x K + k) = x (K q) + q k`, where the last term is
 * the same for all tokens and softmax takes no notice of it; what is mixed is `p (x V + v) = (p x) V + v`, since the
 * pattern sums to one. So the maps of keys and values are done once for the query instead of for every token.
 */
export const oneQuery: Pass = graph => {
  const uses = useCounts(graph);
  return rewrite(graph, (node, g) => {
    const found = attentionEndingAt(node, uses);
    if (found?.q.shape[1] !== 1 || !found.alone) return undefined;
    const [keys, values] = [found.k, found.v].map(inHeads => headMap(inHeads, uses));
    if (!keys || !values) return undefined;
    const tokens = found.k.shape.slice(0, 2);
    const ofTokens = [keys, values].every(({ x }) => sameShape(x.shape.slice(0, -1), tokens));
    return ofTokens ? [mixed(g, found, keys, values, node.outputs[0]!)] : undefined;
  });
};

/** Head by head, each with all images at once: `[h, b, ...]`. */
function mixed(g: Builder, { q, k, heads, scale }: Attention, keys: HeadMap, values: HeadMap, y: Value): Value {
  const { dtype } = y;
  const [batch, , , size] = q.shape as [Dim, 1, number, number];
  const tokens = k.shape[1]!;
  const reshaped = (x: Value, shape: Dim[]) => g.op('Reshape', [x, g.ints(shape)], dtype, shape);
  const product = (a: Value, b: Value, shape: Dim[]) => g.op('MatMul', [a, b], dtype, shape);
  const turned = (x: Value, perm: number[]) =>
    g.op(
      'Transpose',
      [x],
      dtype,
      perm.map(axis => x.shape[axis]!),
      { perm },
    );
  const perHead = ({ x, weight }: HeadMap) => reshaped(outputsFirst(g, weight), [heads, size, x.shape[2]!]);

  const scaled = g.op('Mul', [q, g.scalar(scale, 'float32')], dtype, q.shape);
  const query = turned(reshaped(scaled, [batch, heads, size]), [1, 0, 2]);
  const width = keys.x.shape[2]!;
  const toTokens = turned(product(query, perHead(keys), [heads, batch, width]), [1, 0, 2]);
  const scores = product(toTokens, turned(keys.x, [0, 2, 1]), [batch, heads, tokens]);
  const pattern = g.op('Softmax', [scores], dtype, scores.shape, { axis: 2 });
  const sums = turned(product(pattern, values.x, [batch, heads, values.x.shape[2]!]), [1, 0, 2]);
  const made = product(sums, turned(perHead(values), [0, 2, 1]), [heads, batch, size]);
  const merged = reshaped(turned(made, [1, 0, 2]), [...y.shape]);
  return values.bias ? g.op('Add', [merged, values.bias], dtype, y.shape) : merged;
}

/** A matrix `[in, out]` as `[out, in]`, which is how most files have it. */
function outputsFirst(g: Builder, weight: Value): Value {
  const [inputs, outputs] = weight.shape as [number, number];
  return transposed(weight) ?? g.op('Transpose', [weight], weight.dtype, [outputs, inputs], { perm: [1, 0] });
}
