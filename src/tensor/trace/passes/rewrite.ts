/** What passes are written with. */
import { type Builder, builder, type Graph, type Node, type Value } from '../graph.js';

/** A graph in, an equal one out. */
export type Pass = (graph: Graph) => Graph;

/**
 * Goes through the nodes in order and lets `rule` say what stands for a node's outputs instead; nodes that it builds
 * come in the node's place. Undefined leaves the node as it is.
 */
export function rewrite(graph: Graph, rule: (node: Node, g: Builder) => readonly Value[] | undefined): Graph {
  const nodes: Node[] = [];
  const instead = new Map<Value, Value>();
  const now = (value: Value): Value => instead.get(value) ?? value;
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(input => input && now(input));
    const current = inputs.every((input, i) => input === node.inputs[i]) ? node : withInputs(node, inputs);
    const values = rule(current, builder(nodes, node.from));
    if (!values) {
      nodes.push(current);
      continue;
    }
    node.outputs.forEach((output, i) => {
      instead.set(output, values[i]!);
    });
  }
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: now(value) }));
  return withoutDead({ ...graph, nodes, outputs });
}

export function withInputs(node: Node, inputs: Node['inputs']): Node {
  const changed = { ...node, inputs };
  for (const output of node.outputs) output.node = changed;
  return changed;
}

/** The nodes that the given values need, each after those it takes from; what the first values need comes first. */
export function inOrder(values: readonly Value[]): Node[] {
  const order = new Set<Node>();
  const path: { node: Node; next: number }[] = [];
  const enter = (node: Node | undefined) => node && !order.has(node) && path.push({ node, next: 0 });
  for (const { node } of values) {
    enter(node);
    while (path.length > 0) {
      const at = path.at(-1)!;
      if (at.next < at.node.inputs.length) {
        enter(at.node.inputs[at.next++]?.node);
      } else {
        order.add(at.node);
        path.pop();
      }
    }
  }
  return [...order];
}

/** A graph without the nodes that no output needs. */
export function withoutDead(graph: Graph): Graph {
  const live = new Set<Node>();
  const waiting = graph.outputs.map(({ value }) => value.node);
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (!node || live.has(node)) continue;
    live.add(node);
    for (const input of node.inputs) waiting.push(input?.node);
  }
  return { ...graph, nodes: graph.nodes.filter(node => live.has(node)) };
}

/** How often each value is used, as an input or as an output of the graph. */
export function useCounts({ nodes, outputs }: Graph): (value: Value) => number {
  const counts = new Map<Value, number>();
  const use = (value: Value | undefined) => value && counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const { inputs } of nodes) inputs.forEach(use);
  for (const { value } of outputs) use(value);
  return value => counts.get(value) ?? 0;
}
