import { type BatchDim, type Builder, builder, type Dim, type Graph, type Node, type Value } from '../graph.js';
import { type Pass, withoutDead } from './rewrite.js';

/**
 * Spells out the sizes that follow the batch: the runtime reads the batch off an input and computes with it. A reshape
 * with one such size infers it instead.
 */
export const spellOutSizes: Pass = graph => {
  const sizes: Node[] = [];
  const g = builder<Dim>(sizes, 'batch size');
  const batch = lazily(() => batchOf(graph, g));
  const known = new Map<string, Value>();
  const one = (dim: Dim): Value => {
    if (typeof dim === 'number') return g.ints([dim]);
    const key = `${dim.factor} ${dim.offset}`;
    const made = known.get(key) ?? spelt(g, batch(), dim);
    known.set(key, made);
    return made;
  };
  const nodes = graph.nodes.map(node => {
    const inputs = node.inputs.map((input, i) => {
      if (input?.source?.kind !== 'ints') return input;
      const { ints } = input.source;
      const following = ints.filter(dim => typeof dim !== 'number').length;
      if (following === 0) return input;
      if (node.op === 'Reshape' && i === 1 && following === 1 && !ints.includes(0)) {
        return g.ints(ints.map(dim => (typeof dim === 'number' ? dim : -1)));
      }
      const parts = ints.map(one);
      return parts.length === 1 ? parts[0] : g.op('Concat', parts, 'int64', [parts.length], { axis: 0 });
    });
    return { ...node, inputs };
  });
  for (const node of nodes) for (const output of node.outputs) output.node = node;
  return withoutDead({ ...graph, nodes: [...sizes, ...nodes] });
};

/** The batch size as a value `[1]`, from an input that has it. */
function batchOf({ inputs }: Graph, g: Builder): Value {
  for (const input of inputs) {
    const axis = input.shape.findIndex(dim => typeof dim !== 'number' && dim.factor === 1 && dim.offset === 0);
    if (axis >= 0) return g.op('Shape', [input], 'int64', [1], { start: axis, end: axis + 1 });
  }
  throw new Error('spellOutSizes: no input has the batch size');
}

function spelt(g: Builder, batch: Value, { factor, offset }: BatchDim): Value {
  const scaled = factor === 1 ? batch : g.op('Mul', [batch, g.ints([factor])], 'int64', [1]);
  return offset === 0 ? scaled : g.op('Add', [scaled, g.ints([offset])], 'int64', [1]);
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
