import { evaluate } from '../constants.js';
import { type Node, sizeOf, type Value } from '../graph.js';
import { constant } from '../kernels/create.js';
import { type Pass, rewrite, withoutDead } from './rewrite.js';

/** Results above this many elements stay computed: the graph would grow, and the runtime folds them by itself. */
const mostElements = 1 << 20;

/**
 * Multiplications above which results stay computed: on the cpu backend they would hold the event loop up, which the
 * runtime's own folding does for a hundredth of the time.
 */
const mostWork = 1e7;

/** Moves of stored weights, which stay what they are: the runtime takes the bytes from the file. */
const moves: ReadonlySet<string> = new Set(['Reshape', 'Transpose', 'Cast', 'Expand', 'Tile', 'Identity']);

/** Computes what depends on constants alone. */
export const foldConstants: Pass = graph => {
  const outer = outermost(graph.nodes);
  const folded = rewrite(graph, (node, g) => {
    const values = node.outputs.map(output => {
      if (!outer.has(output) || isMove(node) || isLong(output)) return undefined;
      const elements = evaluate(output);
      return elements && constant(g, elements, output.dtype, output.shape);
    });
    return values.every(value => value !== undefined) ? (values as Value[]) : undefined;
  });
  return withoutDead(folded);
};

const isMove = (node: Node): boolean => moves.has(node.op);

function isLong(value: Value): boolean {
  if (sizeOf(value.shape) > mostElements) return true;
  const counted = new Set<Value>();
  const path = [value];
  let work = 0;
  for (let at = path.pop(); at && work <= mostWork; at = path.pop()) {
    if (counted.has(at) || !at.recipe || !('kernel' in at.recipe)) continue;
    counted.add(at);
    const { kernel, inputs } = at.recipe;
    path.push(...Object.values(inputs));
    if (/MatMul|Conv/.test(kernel)) work += multiplications(at, Object.values(inputs));
  }
  return work > mostWork;
}

/** Of `[n, m] x [m, k]` it is the root of `nm mk nk`; about that, too, for other products of two. */
const multiplications = ({ shape }: Value, [a, b]: Value[]): number =>
  Math.sqrt(sizeOf(shape) * sizeOf(a!.shape) * sizeOf(b?.shape ?? []));

/** Constants that something other than a constant is computed from. */
function outermost(nodes: readonly Node[]): Set<Value> {
  const found = new Set<Value>();
  for (const { inputs, outputs } of nodes) {
    if (outputs.some(({ recipe }) => recipe)) continue;
    for (const input of inputs) if (input?.recipe && input.node) found.add(input);
  }
  return found;
}
