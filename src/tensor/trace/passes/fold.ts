import { evaluate } from '../constants.js';
import { type Node, sizeOf, type Value } from '../graph.js';
import { constant } from '../kernels/create.js';
import { type Pass, rewrite, withoutDead } from './rewrite.js';

/** Results above this many elements stay computed: the graph would grow, and the runtime folds them by itself. */
const mostElements = 1 << 20;

/** Moves of stored weights, which stay what they are: the runtime takes the bytes from the file. */
const moves: ReadonlySet<string> = new Set(['Reshape', 'Transpose', 'Cast', 'Expand', 'Tile', 'Identity']);

/** Computes what depends on constants alone. */
export const foldConstants: Pass = graph => {
  const outer = outermost(graph.nodes);
  const folded = rewrite(graph, (node, g) => {
    const values = node.outputs.map(output => {
      if (!outer.has(output) || sizeOf(output.shape) > mostElements || isMove(node)) return undefined;
      const elements = evaluate(output);
      return elements && constant(g, elements, output.dtype, output.shape);
    });
    return values.every(value => value !== undefined) ? (values as Value[]) : undefined;
  });
  return withoutDead(folded);
};

const isMove = (node: Node): boolean => moves.has(node.op);

/** Constants that something other than a constant is computed from. */
function outermost(nodes: readonly Node[]): Set<Value> {
  const found = new Set<Value>();
  for (const { inputs, outputs } of nodes) {
    if (outputs.some(({ recipe }) => recipe)) continue;
    for (const input of inputs) if (input?.recipe && input.node) found.add(input);
  }
  return found;
}
