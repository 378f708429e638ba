import { type Builder, type Node, sameDim, sameShape, type Value } from '../graph.js';
import { type Pass, rewrite, useCounts } from './rewrite.js';

/**
 * Makes one node of ONNX Runtime's own of `softmax(scale q k^T) v` with heads split before and merged after, where
 * nothing else looks at what is in between: it never holds all scores at once.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MultiHeadAttention
 */
export const fuseAttention: Pass = graph => {
  const uses = useCounts(graph);
  return rewrite(graph, (node, g) => {
    const found = attentionEndingAt(node, uses);
    if (!found) return undefined;
    const { q, k, v, heads, scale, alone } = found;
    const y = node.outputs[0]!;
    const merged = [q, alone ? withoutBias(k, uses, g) : k, v].map(value => {
      const shape = [...value.shape.slice(0, 2), y.shape[2]!];
      return g.op('Reshape', [value, g.ints(shape)], y.dtype, shape);
    });
    const attributes = { num_heads: heads, scale: { float: scale } };
    return [g.op('MultiHeadAttention', merged, y.dtype, y.shape, attributes, 'com.microsoft')];
  });
};

/**
 * Keys without the bias of the map that makes them, where nothing else looks at them: it adds the same to all scores of
 * a query, of which softmax takes no notice.
 */
function withoutBias(k: Value, uses: (value: Value) => number, g: Builder): Value {
  const map = headMap(k, uses);
  if (!map) return k;
  const { x, weight } = map;
  const shape = [...x.shape.slice(0, -1), weight.shape[1]!];
  return g.op('Reshape', [g.op('Linear', [x, weight], k.dtype, shape), g.ints(k.shape)], k.dtype, k.shape);
}

/** A linear map of which each row gives all heads of one token, and which is used for nothing else. */
export interface HeadMap {
  readonly x: Value;
  readonly weight: Value;
  readonly bias: Value | undefined;
}

/** The map that makes what lies in heads, `[batch, token, head, width]`. */
export function headMap(inHeads: Value, uses: (value: Value) => number): HeadMap | undefined {
  const split = uses(inHeads) === 1 ? madeBy(inHeads, 'Reshape') : undefined;
  const map = split && uses(split.inputs[0]!) === 1 ? madeBy(split.inputs[0], 'Linear') : undefined;
  if (!map) return undefined;
  const [x, weight, bias] = map.inputs as [Value, Value, Value?];
  // With another width a row is several tokens, or a part of one, and a bias is not the same for all.
  return weight.shape[1] === inAllHeads(inHeads) ? { x, weight, bias } : undefined;
}

/** The width of `[batch, token, head, width]` with heads side by side. */
const inAllHeads = ({ shape: [, , heads, width] }: Value): number => Number(heads) * Number(width);

/** Queries, keys and values, `[batch, token, head, width]` each. */
export interface Attention {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly heads: number;
  readonly scale: number;
  /** Whether nothing else takes its keys and values. */
  readonly alone: boolean;
}

/** The attention that ends with a node that merges heads, where nothing else looks at what is in between. */
export function attentionEndingAt(node: Node, uses: (value: Value) => number): Attention | undefined {
  const only = (value: Value | undefined) => (value && uses(value) === 1 ? value : undefined);
  const [y] = node.outputs;
  const z = turned(node.op === 'Reshape' ? only(node.inputs[0]) : undefined, [0, 2, 1, 3]);
  const mix = madeBy(only(z), 'MatMul');
  const softmax = madeBy(only(mix?.inputs[0]), 'Softmax');
  const scores = madeBy(only(softmax?.inputs[0]), 'MatMul');
  const scaled = madeBy(scores?.inputs[0], 'Mul');
  const scale = numberOf(scaled?.inputs[1]);
  const q = turned(scaled?.inputs[0], [0, 2, 1, 3]);
  const k = turned(scores?.inputs[1], [0, 2, 3, 1]);
  const v = turned(mix?.inputs[1], [0, 2, 1, 3]);
  if (!q || !k || !v || scale === undefined || softmax?.attributes.axis !== 3) return undefined;
  const [batch, queries, ...heads] = q.shape;
  const fits = [k, v].every(({ shape: [first, , ...rest] }) => sameDim(first!, batch!) && sameShape(rest, heads));
  const merges = sameShape(y!.shape, [batch!, queries!, inAllHeads(q)]);
  if (!fits || !merges || typeof heads[0] !== 'number') return undefined;
  const alone = [scores, mix].every(product => only(product!.inputs[1]) !== undefined);
  return { q, k, v, heads: heads[0], scale, alone };
}

const madeBy = (value: Value | undefined, op: string): Node | undefined =>
  value?.node?.op === op ? value.node : undefined;

/** What a value is made of by putting axes in that order. */
function turned(value: Value | undefined, order: readonly number[]): Value | undefined {
  const node = madeBy(value, 'Transpose');
  return String(node?.attributes.perm) === String(order) ? node!.inputs[0] : undefined;
}

/** A constant without axes. */
function numberOf(value: Value | undefined): number | undefined {
  return value?.source?.kind === 'data' && value.shape.length === 0 ? value.source.data[0] : undefined;
}
