import { type Builder, builder, type Graph, type Node, type Value } from '../graph.js';
import { type Narrowed, type Need, narrowed, type Part, samePart, takenPart, takePart } from './parts.js';
import { inOrder, type Pass, withInputs, withoutDead } from './rewrite.js';

/**
 * Computes only what is looked at. A slice, or a choice of rows, of what row-by-row operations made is made from the
 * same slice of what they took, so it moves up to where more is needed: when nothing but the class token at a tower's
 * end is asked for, the last block asks its queries, its attention and all behind them for that token alone.
 *
 * First, from the outputs up, what is needed of each value; then, from the inputs down, the nodes anew. A value of
 * which different parts are needed is made whole.
 */
export const slicesUp: Pass = graph => {
  const indices = graph.nodes.map(takenPart).flatMap(part => (part?.kind === 'rows' ? [part.indices] : []));
  const ordered = inOrder([...indices, ...graph.outputs.map(({ value }) => value)]);
  const plans = planNodes(graph, ordered);

  const nodes: Node[] = [];
  const made = new Map<Value, Made>();
  for (const node of ordered) {
    const plan = plans.get(node);
    if (!plan) continue;
    const g = builder(nodes, node.from);
    const inputs = node.inputs.map((input, i) => input && plan.needs[i] && get(g, made, input, plan.needs[i]));
    const [y] = node.outputs as [Value];
    if (plan.part !== 'all') made.set(y, { have: plan.part, value: plan.make(g, inputs), others: [] });
    else if (plan.taken) made.set(y, { have: 'all', value: inputs[0]!, others: [] });
    else nodes.push(inputs.every((input, i) => input === node.inputs[i]) ? node : withInputs(node, inputs));
  }
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: made.get(value)?.value ?? value }));
  return withoutDead({ ...graph, nodes, outputs });
};

/** A value as it was made, in part or whole, and parts taken of it since. */
interface Made {
  readonly have: Need;
  readonly value: Value;
  readonly others: { readonly part: Part; readonly value: Value }[];
}

function get(g: Builder, made: Map<Value, Made>, value: Value, need: Need): Value {
  const known: Made = made.get(value) ?? { have: 'all', value, others: [] };
  if (need === 'all' || samePart(known.have, need)) return known.value;
  made.set(value, known);
  const before = known.others.find(other => samePart(other.part, need));
  if (before) return before.value;
  const part = need.kind === 'rows' ? { ...need, indices: get(g, made, need.indices, 'all') } : need;
  const taken = takePart(g, known.value, part);
  known.others.push({ part: need, value: taken });
  return taken;
}

/** What becomes of a node: part of its result is made, or all; `taken` means that it hands on what it is given. */
type Plan =
  | ({ readonly part: Part } & Narrowed)
  | { readonly part: 'all'; readonly needs: readonly (Need | undefined)[]; readonly taken: boolean };

function planNodes({ outputs }: Graph, ordered: readonly Node[]): Map<Node, Plan> {
  const needs = new Map<Value, Need>();
  const note = (value: Value, need: Need) => {
    const before = needs.get(value);
    needs.set(value, before && !samePart(before, need) ? 'all' : need);
  };
  for (const { value } of outputs) note(value, 'all');
  const plans = new Map<Node, Plan>();
  for (const node of ordered.toReversed()) {
    const all = node.outputs.flatMap(output => needs.get(output) ?? []);
    if (all.length === 0) continue;
    const plan = planNode(node, all.length === 1 ? all[0]! : 'all');
    plans.set(node, plan);
    plan.needs.forEach((need, i) => {
      const input = node.inputs[i];
      if (input && need) note(input, need);
    });
  }
  return plans;
}

function planNode(node: Node, need: Need): Plan {
  const taken = takenPart(node);
  // A slice hands on what it is given, which is asked for in its size.
  if (taken) return { part: 'all', needs: [taken, 'all'], taken: true };
  const found = need === 'all' ? undefined : narrowed(node, need);
  if (found && need !== 'all') return { part: need, ...found };
  return { part: 'all', needs: node.inputs.map(() => 'all'), taken: false };
}
