import { sameShape } from '../graph.js';
import { type Pass, rewrite } from './rewrite.js';

/** Operators that repeat their inputs along axes of size 1 by themselves. */
const broadcasting: ReadonlySet<string> = new Set(
  'Add Sub Mul Div Pow Max Min Equal Greater GreaterOrEqual Less LessOrEqual And Or Where'.split(' '),
);

/** Repeats nothing for an operator that does so itself, and that something else already gives its shape. */
export const broadcastInPlace: Pass = graph =>
  rewrite(graph, ({ op, inputs, outputs, attributes, domain }, g) => {
    const [y] = outputs;
    if (!broadcasting.has(op) || !inputs.some(input => input?.node?.op === 'Expand')) return undefined;
    const whole = inputs.filter(input => sameShape(input!.shape, y!.shape));
    const shaping = whole.find(input => input!.node?.op !== 'Expand') ?? whole[0];
    if (!shaping) return undefined;
    const narrow = inputs.map(input =>
      input !== shaping && input?.node?.op === 'Expand' ? input.node.inputs[0] : input,
    );
    return [g.op(op, narrow, y!.dtype, y!.shape, attributes, domain)];
  });
