/** Parts of values, and how the part of a result is made from parts of what went in. */
import { type Builder, type Dim, type Node, sameDim, sameShape, type Value } from '../graph.js';
import { asRows } from './moves.js';

/** A part of a value. */
export type Part =
  /** Positions `begin` up to `end` along one axis. */
  | { readonly kind: 'slice'; readonly axis: number; readonly begin: number; readonly end: number }
  /** Some rows, all axes but the last taken as one: `[k, width]`. `indices` are `[k]`. */
  | { readonly kind: 'rows'; readonly indices: Value };

/** What is needed of a value. */
export type Need = Part | 'all';

/** How to make a part of a node's result. */
export interface Narrowed {
  /** What is needed of each input; undefined: nothing. */
  readonly needs: readonly (Need | undefined)[];
  make(g: Builder, inputs: readonly (Value | undefined)[]): Value;
}

export function samePart(a: Need, b: Need): boolean {
  if (a === 'all' || b === 'all') return a === b;
  if (a.kind === 'rows') return b.kind === 'rows' && a.indices === b.indices;
  if (b.kind === 'rows') return false;
  return a.axis === b.axis && a.begin === b.begin && a.end === b.end;
}

/** The part of a value that a node takes and hands on as it is; undefined for all other nodes. */
export function takenPart({ op, inputs, attributes }: Node): Part | undefined {
  const [x, first, second, axes, steps] = inputs;
  if (op === 'Gather' && attributes.axis === 0 && x?.shape.length === 2 && first?.shape.length === 1) {
    // Rows may be chosen more than once: then making them one by one would be more work.
    return isAtMost(first.shape[0]!, x.shape[0]!) ? { kind: 'rows', indices: first } : undefined;
  }
  if (op !== 'Slice' || steps) return undefined;
  const [axis, begin, end] = [axes, first, second].map(onlyNumber);
  if (axis === undefined || begin === undefined || end === undefined || begin < 0 || end < 0) return undefined;
  return { kind: 'slice', axis, begin, end };
}

/** Whether one size is never above another, as far as can be told. */
function isAtMost(a: Dim, b: Dim): boolean {
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' && typeof b === 'number' && a <= b;
  return a.factor <= b.factor && a.offset <= b.offset;
}

function onlyNumber(value: Value | undefined): number | undefined {
  const ints = value?.source?.kind === 'ints' ? value.source.ints : [];
  return ints.length === 1 && typeof ints[0] === 'number' ? ints[0] : undefined;
}

/** Takes a part of a value that was made whole. */
export function takePart(g: Builder, x: Value, part: Part): Value {
  const shape = shapeOf(x, part);
  if (part.kind === 'slice') {
    const { axis, begin, end } = part;
    return g.op('Slice', [x, g.ints([begin]), g.ints([end]), g.ints([axis])], x.dtype, shape);
  }
  const flat = asRows(x.shape);
  const rows = x.shape.length === 2 ? x : g.op('Reshape', [x, g.ints(flat)], x.dtype, flat);
  return g.op('Gather', [rows, part.indices], x.dtype, shape, { axis: 0 });
}

/** How a part of what `node` makes is made of parts; undefined when only the whole can be made. */
export function narrowed(node: Node, part: Part): Narrowed | undefined {
  const rule = rules[node.op] ?? (elementwise.has(node.op) ? alongAxis : undefined);
  return node.outputs.length === 1 ? rule?.(node, part) : undefined;
}

type Rule = (node: Node, part: Part) => Narrowed | undefined;

/** The same operation on parts. */
function same(node: Node, part: Part, needs: readonly Need[]): Narrowed {
  const { op, outputs, attributes, domain } = node;
  const [y] = outputs as [Value];
  return { needs, make: (g, inputs) => g.op(op, inputs, y.dtype, shapeOf(y, part), attributes, domain) };
}

const elementwise: ReadonlySet<string> = new Set(
  `Abs Acos Acosh Add And Asin Asinh Atan Atanh Cast Ceil Clip Cos Cosh Div Elu Equal Erf Exp Floor Gelu Greater
  GreaterOrEqual Identity LeakyRelu Less LessOrEqual Log Max Min Mod Mul Neg Not Or Pow Reciprocal Relu Round Selu
  Sigmoid Sign Sin Sinh Softplus Sqrt Sub Tan Tanh Where`.split(/\s+/),
);

/** Inputs are spread over the result's shape, and each gives its part. */
const alongAxis: Rule = (node, part) => {
  const { shape } = node.outputs[0]!;
  const needs = node.inputs.map(input => input && broadcastPart(input, shape, part));
  return needs.every(need => need !== undefined) ? same(node, part, needs) : undefined;
};

function broadcastPart(x: Value, shape: readonly Dim[], part: Part): Need | undefined {
  if (part.kind === 'rows') {
    if (sameShape(x.shape, shape)) return part;
    // A vector over the last axis, or a scalar, is the same for all rows.
    return x.shape.length <= 1 ? 'all' : undefined;
  }
  const axis = part.axis - (shape.length - x.shape.length);
  return axis >= 0 && sameDim(x.shape[axis]!, shape[part.axis]!) ? { ...part, axis } : 'all';
}

/** Operations on the last axis: every row on its own. The first input has the result's rows, the others none. */
const byRow: Rule = (node, part) => {
  const isLast = part.kind === 'slice' && part.axis === node.outputs[0]!.shape.length - 1;
  return isLast ? undefined : same(node, part, [part, ...node.inputs.slice(1).map(() => 'all' as const)]);
};

/** Those over an axis that an attribute names. */
const overAxis: Rule = (node, part) => {
  const rank = node.outputs[0]!.shape.length;
  const axis = (node.attributes.axis as number | undefined) ?? -1;
  const over = axis < 0 ? axis + rank : axis;
  if (part.kind === 'rows') return over === rank - 1 ? byRow(node, part) : undefined;
  return part.axis === over ? undefined : same(node, part, [part, ...node.inputs.slice(1).map(() => 'all' as const)]);
};

const rules: Readonly<Record<string, Rule>> = {
  Linear: byRow,
  LayerNormalization: overAxis,
  Softmax: overAxis,
  LogSoftmax: overAxis,

  MatMul: (node, part) => {
    const [a, b] = node.inputs as [Value, Value];
    const { shape } = node.outputs[0]!;
    if (part.kind === 'rows' || a.shape.length < 2 || b.shape.length < 2) return undefined;
    const fromEnd = shape.length - part.axis;
    if (fromEnd === 1) return same(node, part, ['all', { ...part, axis: b.shape.length - 1 }]);
    if (fromEnd === 2) return same(node, part, [{ ...part, axis: a.shape.length - 2 }, 'all']);
    return alongAxis(node, part);
  },

  Transpose: (node, part) => {
    if (part.kind === 'rows') return undefined;
    const perm = node.attributes.perm as readonly number[];
    return same(node, part, [{ ...part, axis: perm[part.axis]! }]);
  },

  Reshape: (node, part) => {
    const [x] = node.inputs as [Value];
    const [y] = node.outputs as [Value];
    if (part.kind === 'rows') {
      const keepsRows = x.shape.length > 0 && sameShape(x.shape.slice(-1), y.shape.slice(-1));
      return keepsRows ? { needs: [part, undefined], make: (_, [rows]) => rows! } : undefined;
    }
    const upTo = part.axis + 1;
    if (x.shape.length < upTo || !sameShape(x.shape.slice(0, upTo), y.shape.slice(0, upTo))) return undefined;
    const shape = shapeOf(y, part);
    return { needs: [part, undefined], make: (g, [input]) => g.op('Reshape', [input, g.ints(shape)], y.dtype, shape) };
  },

  Concat: (node, part) => {
    if (part.kind === 'rows') return undefined;
    if (part.axis !== node.attributes.axis)
      return same(
        node,
        part,
        node.inputs.map(() => part),
      );
    // A part that lies in one of them needs no other.
    let before = 0;
    for (const [i, input] of node.inputs.entries()) {
      const size = input!.shape[part.axis]!;
      if (typeof size !== 'number') return undefined;
      if (part.begin >= before && part.end <= before + size) {
        const within: Part = { ...part, begin: part.begin - before, end: part.end - before };
        return { needs: node.inputs.map((_, j) => (i === j ? within : undefined)), make: (_, inputs) => inputs[i]! };
      }
      before += size;
    }
    return undefined;
  },
};

function shapeOf({ shape }: Value, part: Part): Dim[] {
  if (part.kind === 'rows') return [part.indices.shape[0]!, shape.at(-1)!];
  return shape.map((size, axis) => (axis === part.axis ? part.end - part.begin : size));
}
