import { type Dim, type Node, sameShape, type Value } from '../graph.js';
import { type Pass, rewrite } from './rewrite.js';

/** Takes out moves that move nothing, and makes one of two in a row. */
export const mergeMoves: Pass = graph =>
  rewrite(graph, (node, g) => {
    const x = node.inputs[0];
    const y = node.outputs[0]!;
    if (!x) return undefined;
    const before = x.node;
    if (node.op === 'Reshape') {
      if (sameShape(x.shape, y.shape)) return [x];
      if (before?.op !== 'Reshape') return undefined;
      const original = before.inputs[0]!;
      if (sameShape(original.shape, y.shape)) return [original];
      return [g.op('Reshape', [original, node.inputs[1]], y.dtype, y.shape)];
    }
    if (node.op === 'Transpose') {
      const perm = permOf(node);
      const total = before?.op === 'Transpose' ? perm.map(axis => permOf(before)[axis]!) : perm;
      const original = before?.op === 'Transpose' ? before.inputs[0]! : x;
      if (total.every((axis, i) => axis === i)) return [original];
      return original === x ? undefined : [g.op('Transpose', [original], y.dtype, y.shape, { perm: total })];
    }
    if (node.op === 'Cast') return x.dtype === y.dtype ? [x] : undefined;
    return undefined;
  });

const permOf = ({ attributes }: Node) => attributes.perm as readonly number[];

/** What a value is the transpose of in its last two axes, when it is one. */
export function transposed({ node }: Value): Value | undefined {
  if (node?.op !== 'Transpose') return undefined;
  const { length } = permOf(node);
  const turned = permOf(node).every((axis, i) => axis === (i < length - 2 ? i : 2 * length - 3 - i));
  return length >= 2 && turned ? node.inputs[0] : undefined;
}

/** All axes but the last as one: `[b, n, w] -> [b n, w]`. */
export function asRows(shape: readonly Dim[]): Dim[] {
  const [columns, ...leading] = shape.toReversed();
  const rows = leading.reduce<Dim>((product, size) => times(product, size), 1);
  return [rows, columns!];
}

function times(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (typeof a === 'number') return times(b, a);
  if (typeof b !== 'number') throw new Error('asRows: two sizes follow the batch');
  return { factor: a.factor * b, offset: a.offset * b };
}
