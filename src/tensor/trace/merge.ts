/**
 * Recordings of one function at several batch sizes, laid over each other: their nodes must be the same, and a size that
 * differs is a linear function of the batch. Two recordings at the same size must not differ at all: that is how
 * randomness drawn in JavaScript shows.
 */

import { turning } from '../../turns.js';
import { agreedShape, agreedSource, type Batches, disagreement, linearInBatch, sameSource, zip } from './agree.js';
import { isConstant } from './constants.js';
import { builder, type Graph, type Node, type Recipe, type Value } from './graph.js';
import { cast, type TensorType, type Traced } from './kernels/kernel.js';

type Recorded = Graph<number>;

/** The same value, node or other thing in every recording. */
type Same<T> = readonly T[];

/** A graph while it is put together. */
interface Merging {
  readonly batches: Batches;
  /** For each recording, where its values come from, comparable between recordings; constants have no place. */
  readonly places: Same<ReadonlyMap<Traced, string>>;
  /** By a value of the first recording: those of the others, and what became of them. */
  readonly merged: Map<Traced, { readonly same: Same<Traced>; readonly value: Value }>;
  /** Nodes that compute what the function took from the batch size as a number, such as what a mean divides by. */
  readonly counting: Node[];
}

/** How many nodes are merged before the event loop may turn. */
const nodesATurn = 500;

/** Recordings, and the batch size of each; sizes that are all the same mean that the batch is not free. */
export async function merge(recordings: Same<Recorded>, batches: Batches): Promise<Graph> {
  checkSteps(recordings, batches);
  const merging: Merging = { batches, places: recordings.map(placesOf), merged: new Map(), counting: [] };
  const inputs = zip(recordings.map(graph => graph.inputs)).map((same, i) => {
    return note(merging, same, { ...shaped(merging, same, `input ${i}`), source: same[0]!.source! });
  });
  const nodes: Node[] = [];
  const merged = turning(nodesATurn);
  for (const same of zip(recordings.map(graph => graph.nodes))) {
    nodes.push(mergedNode(merging, same));
    await merged(1);
  }
  const outputs = zip(recordings.map(graph => graph.outputs)).map(same => {
    const { name } = same[0]!;
    const values = same.map(({ value }) => value);
    return { name, value: taken(merging, values, `output '${name}'`) };
  });
  return { inputs, nodes: [...merging.counting, ...nodes], outputs };
}

/** @throws InputError when the recordings have not the same number of nodes, or other outputs. */
function checkSteps(recordings: Same<Recorded>, batches: Batches): void {
  const [first] = recordings as [Recorded];
  for (const { nodes, outputs } of recordings) {
    if (nodes.length !== first.nodes.length) {
      const at = first.nodes.findIndex((node, i) => nodes[i]?.op !== node.op);
      const { from } = first.nodes[at] ?? nodes.at(-1)!;
      throw disagreement(batches, `what the function does from '${from}' on`);
    }
    const names = (of: Recorded['outputs']) => JSON.stringify(of.map(({ name }) => name));
    if (names(outputs) !== names(first.outputs)) throw disagreement(batches, 'what the function returns');
  }
}

function placesOf({ inputs, nodes }: Recorded): Map<Traced, string> {
  const made = nodes.flatMap(({ outputs }, i) => outputs.map((value, j) => [value, `${i}.${j}`] as const));
  return new Map([...inputs.map((value, i) => [value, `input ${i}`] as const), ...made]);
}

function mergedNode(merging: Merging, same: Same<Node<number>>): Node {
  const [first] = same as [Node<number>];
  const from = `'${first.from}'`;
  if (new Set(same.map(signature)).size > 1) {
    throw disagreement(merging.batches, `what the function does at ${from}`);
  }
  const inputs = zip(same.map(node => node.inputs)).map(
    values => values[0] && taken(merging, values as Traced[], from),
  );
  const results = zip(same.map(node => node.outputs));
  const outputs = results.map(values => note(merging, values, shaped(merging, values, from)));
  const node: Node = { ...first, inputs, outputs };
  outputs.forEach((output, i) => {
    output.node = node;
    const recipes = results[i]!.map(({ recipe }) => recipe);
    const recipe = mergedRecipe(merging, recipes, output);
    if (recipe) output.recipe = recipe;
  });
  return node;
}

/** What nodes have in common that do the same. */
const signature = ({ op, domain, attributes, inputs, outputs }: Node<number>): string =>
  JSON.stringify([op, domain, attributes, inputs.map(input => input !== undefined), outputs.length]);

const shaped = ({ batches }: Merging, same: Same<Traced>, of: string): Value => ({
  dtype: same[0]!.dtype,
  shape: agreedShape(batches, same, of),
});

function note({ merged }: Merging, same: Same<Traced>, value: Value): Value {
  merged.set(same[0]!, { same, value });
  return value;
}

/** A value that a node takes or the function returns: merged before, or a constant that is met for the first time. */
function taken(merging: Merging, same: Same<Traced>, by: string): Value {
  const { batches, places, merged } = merging;
  const from = new Set(same.map((value, i) => places[i]!.get(value)));
  if (from.size > 1) throw disagreement(batches, `what ${by} works on`);
  const known = merged.get(same[0]!);
  if (known?.same.every((value, i) => value === same[i])) return known.value;
  return note(merging, same, counted(merging, same, by) ?? stated(merging, same, by));
}

/** A constant that is the same in all recordings. */
function stated(merging: Merging, same: Same<Traced>, by: string): Value {
  const [{ recipe }] = same as [Traced];
  const value: Value = { ...shaped(merging, same, by), source: agreedSource(merging.batches, same, by) };
  if (recipe && 'read' in recipe) value.recipe = recipe;
  return value;
}

/** How many numbers of one constant may be counted from the batch size. */
const mostCounted = 16;

/** A constant of a few numbers that follow the batch size; undefined when it is none. */
function counted(merging: Merging, same: Same<Traced>, by: string): Value | undefined {
  const { batches, counting } = merging;
  const sources = same.map(({ source }) => source).filter(source => source?.kind === 'data');
  const [first] = sources;
  const length = first?.data.length ?? 0;
  if (sources.length < same.length || sources.some(({ data }) => data.length !== length)) return undefined;
  if (length > mostCounted || sources.every(source => sameSource(first!, source))) return undefined;
  const numbers = zip(sources.map(({ data }) => [...data])).map(list => linearInBatch(batches, list));
  if (!numbers.every(number => number !== undefined)) return undefined;
  const { dtype, shape } = shaped(merging, same, by);
  const g = builder(counting, 'batch size');
  return cast(g, g.op('Reshape', [g.ints(numbers), g.ints(shape)], 'int64', shape), dtype as TensorType);
}

/** How a value could be computed ahead. What follows the batch is another at each size, and has no recipe. */
function mergedRecipe(
  { merged }: Merging,
  same: Same<Recipe<number> | undefined>,
  { shape }: Value,
): Recipe | undefined {
  const [first] = same;
  if (!first || !shape.every(size => typeof size === 'number')) return undefined;
  if ('read' in first) return first;
  const attributes = same.map(recipe => JSON.stringify((recipe as typeof first).attributes));
  if (new Set(attributes).size > 1) return undefined;
  const inputs: Record<string, Value> = {};
  for (const [name, input] of Object.entries(first.inputs)) {
    // An input that no node takes (its kernel had no use for it) has no merged form; then nor has the recipe.
    const value = merged.get(input)?.value ?? (input.source?.kind === 'data' ? input : undefined);
    if (!value || !isConstant(value)) return undefined;
    inputs[name] = value;
  }
  return { ...first, inputs };
}
