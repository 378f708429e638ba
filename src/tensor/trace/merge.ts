/**
 * Recordings of one function at several batch sizes, laid over each other: what is the same stays, and a size that
 * differs is a linear function of the batch or an error. Two recordings at the same size must not differ at all: that
 * is how randomness drawn in JavaScript shows.
 */
import { InputError } from '../../errors.js';
import { isConstant } from './constants.js';
import { builder, type Dim, type Graph, type Node, type Recipe, type Source, showShape, type Value } from './graph.js';
import { cast, type TensorType, type Traced } from './kernels/kernel.js';

type Recorded = Graph<number>;

/** How many numbers of one constant may be counted from the batch size. */
const mostCounted = 16;

/** Recordings, and the batch size of each; sizes that are all the same mean that the batch is not free. */
export function merge(recordings: readonly Recorded[], batches: readonly number[]): Graph {
  const free = new Set(batches).size > 1;
  const merged = new Map<Traced, Value>();
  const positions = recordings.map(positionsOf);
  const [first] = recordings as [Recorded];

  const differ = (what: string) =>
    new InputError(
      free
        ? `compile: ${what} depends on the batch size in a way that one graph cannot hold; give the batch as a number`
        : `compile: ${what} differs from one call of the function to the next; make what is random or changes an input`,
    );

  /** What numbers of the recordings are as a function of the batch; undefined when they are no linear one. */
  const linear = (numbers: readonly number[]): Dim | undefined => {
    const [n, m] = numbers as [number, number];
    if (numbers.every(number => number === n)) return n;
    const [a, b] = batches as [number, number];
    const factor = (m - n) / (b - a);
    const offset = n - factor * a;
    const holds = numbers.every((number, i) => number === factor * batches[i]! + offset);
    return free && holds && Number.isInteger(factor) && Number.isInteger(offset) ? { factor, offset } : undefined;
  };
  const dim = (sizes: readonly number[], from: string): Dim => {
    const found = linear(sizes);
    if (found === undefined) throw differ(`a size of ${from}`);
    return found;
  };
  const shape = (values: readonly Traced[], from: string): Dim[] => {
    const [v] = values as [Traced];
    if (values.some(other => other.shape.length !== v.shape.length)) throw differ(`the number of axes of ${from}`);
    return v.shape.map((_, axis) =>
      dim(
        values.map(other => other.shape[axis]!),
        from,
      ),
    );
  };

  const value = (values: readonly Traced[], from: string): Value => {
    const [v] = values as [Traced];
    const places = new Set(values.map((other, i) => positions[i]!.get(other)));
    if (places.size > 1) throw differ(`what ${from} works on`);
    const known = merged.get(v);
    if (known) return known;
    // A constant: it is met here for the first time, in every recording.
    const made = counted(values, from) ?? stated(values, from);
    merged.set(v, made);
    return made;
  };

  const stated = (values: readonly Traced[], from: string): Value => {
    const [{ dtype, recipe }] = values as [Traced];
    const made: Value = { dtype, shape: shape(values, from), source: mergedSource(values, from) };
    if (recipe && 'read' in recipe) made.recipe = recipe;
    return made;
  };

  /** Nodes that compute what the function took from the batch size as a number, such as what a mean divides by. */
  const counting: Node[] = [];
  const counted = (values: readonly Traced[], from: string): Value | undefined => {
    const sources = values.map(({ source }) => source).filter(source => source?.kind === 'data');
    const [first] = sources;
    const length = first?.data.length ?? 0;
    if (sources.length < values.length || sources.some(({ data }) => data.length !== length)) return undefined;
    if (length > mostCounted || sources.every(source => sameSource(first!, source))) return undefined;
    const numbers = Array.from({ length }, (_, i) => linear(sources.map(({ data }) => data[i]!)));
    if (!numbers.every(number => number !== undefined)) return undefined;
    const [{ dtype }] = values as [Traced];
    const g = builder(counting, 'batch size');
    const whole = g.op('Reshape', [g.ints(numbers), g.ints(shape(values, from))], 'int64', shape(values, from));
    return cast(g, whole, dtype as TensorType);
  };

  const mergedSource = (values: readonly Traced[], from: string): Source => {
    const sources = values.map(({ source }) => source);
    const [source] = sources;
    if (!source || sources.some(other => other?.kind !== source.kind)) throw differ(`what ${from} works on`);
    if (source.kind === 'ints') {
      const lists = sources.map(other => (other as typeof source).ints);
      if (lists.some(({ length }) => length !== source.ints.length)) throw differ(`the number of axes of ${from}`);
      const ints = source.ints.map((_, i) =>
        dim(
          lists.map(list => list[i]!),
          from,
        ),
      );
      return { kind: 'ints', ints };
    }
    if (!sources.every(other => sameSource(source, other!))) {
      const why = free ? 'is random or follows the batch size' : 'is another at each call; is it random?';
      const what = `a constant ${showShape(values[0]!.shape)} that ${from} works on`;
      throw new InputError(`compile: ${what} ${why}; make it an input, or compute it with tensors`);
    }
    return source as Source;
  };

  const recipe = (recipes: readonly (Recipe<number> | undefined)[], result: Value): Recipe | undefined => {
    const [r] = recipes;
    // What follows the batch is another value at each size: nothing that one recording knows holds for all.
    if (!r || !result.shape.every(size => typeof size === 'number')) return undefined;
    if ('read' in r) return r;
    const attributes = new Set(recipes.map(other => JSON.stringify((other as typeof r).attributes)));
    if (attributes.size > 1) return undefined;
    const inputs: Record<string, Value> = {};
    for (const [name, input] of Object.entries(r.inputs)) {
      // An input that no node takes (its kernel had no use for it) has no merged form; then nor has the recipe.
      const known = merged.get(input) ?? (input.source?.kind === 'data' ? (input as Value) : undefined);
      if (!known || !isConstant(known)) return undefined;
      inputs[name] = known;
    }
    return { ...r, inputs };
  };

  for (const graph of recordings) {
    if (graph.nodes.length === first.nodes.length) continue;
    const at = first.nodes.findIndex((node, i) => graph.nodes[i]?.op !== node.op);
    throw differ(`what the function does from '${(first.nodes[at] ?? graph.nodes.at(-1))?.from}' on`);
  }
  const inputs = first.inputs.map((input, i) => {
    const from = `input ${i}`;
    const all = recordings.map(graph => graph.inputs[i]!);
    const made: Value = { dtype: input.dtype, shape: shape(all, from), source: input.source as Source };
    merged.set(input, made);
    return made;
  });
  const nodes = first.nodes.map((node, i): Node => {
    const all = recordings.map(graph => graph.nodes[i]!);
    const from = `'${node.from}'`;
    if (all.some(other => signature(other) !== signature(node))) throw differ(`what the function does at ${from}`);
    const outputs = node.outputs.map((output, j): Value => {
      const made: Value = {
        dtype: output.dtype,
        shape: shape(
          all.map(other => other.outputs[j]!),
          from,
        ),
      };
      merged.set(output, made);
      return made;
    });
    const made: Node = {
      ...(node as Node),
      inputs: node.inputs.map((input, j) =>
        input
          ? value(
              all.map(other => other.inputs[j]!),
              from,
            )
          : undefined,
      ),
      outputs,
    };
    node.outputs.forEach((output, j) => {
      const result = outputs[j]!;
      result.node = made;
      const kept = recipe(
        all.map(other => other.outputs[j]!.recipe),
        result,
      );
      if (kept) result.recipe = kept;
      void output;
    });
    return made;
  });
  const outputs = first.outputs.map(({ name }, i) => ({
    name,
    value: value(
      recordings.map(graph => graph.outputs[i]!.value),
      `output '${name}'`,
    ),
  }));
  return { inputs, nodes: [...counting, ...nodes], outputs };
}

/** Where each value of a recording comes from, comparable between recordings; constants have no place. */
function positionsOf({ inputs, nodes }: Recorded): Map<Traced, string> {
  const places = new Map<Traced, string>();
  inputs.forEach((value, i) => {
    places.set(value, `input ${i}`);
  });
  nodes.forEach(({ outputs }, i) => {
    outputs.forEach((value, j) => {
      places.set(value, `${i}.${j}`);
    });
  });
  return places;
}

const signature = ({ op, domain, attributes, inputs, outputs }: Node<number>): string =>
  JSON.stringify([op, domain, attributes, inputs.map(input => input !== undefined), outputs.length]);

function sameSource(a: Source<number>, b: Source<number>): boolean {
  if (a.kind === 'tensor') return b.kind === 'tensor' && a.id === b.id;
  if (a.kind === 'file') {
    return b.kind === 'file' && a.slice.path === b.slice.path && a.slice.offset === b.slice.offset;
  }
  if (a.kind !== 'data' || b.kind !== 'data' || a.data.length !== b.data.length) return false;
  return (a.data as Float32Array).every((element, i) => Object.is(element, b.data[i]));
}
