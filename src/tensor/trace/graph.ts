/**
 * The form between recording and writing: values with an element type and a shape, made by nodes or known from the
 * start. The operators are ONNX' own, but for a few that `lower` spells out before anything is written. While a function
 * is recorded all sizes are numbers; `merge` then finds which of them follow the batch.
 */
import type { FileSlice } from '../stored.js';

export type ElementType = 'float32' | 'int32' | 'bool' | 'int64' | 'float16' | 'bfloat16' | 'int8' | 'uint8';

/** A size that follows the free batch size: `factor * batch + offset`. */
export interface BatchDim {
  readonly factor: number;
  readonly offset: number;
}

/** One size of a shape. */
export type Dim = number | BatchDim;

export type Elements = Float32Array | Int32Array | Uint8Array | Int8Array;

/** Where a value comes from that no node makes. */
export type Source<D extends Dim = Dim> =
  /** Given at every call. */
  | { readonly kind: 'input'; readonly name: string }
  /** Known values, kept in the graph. */
  | { readonly kind: 'data'; readonly data: Elements }
  /** Sizes, axes and positions: the int64 arguments of shape operators, which may follow the batch. */
  | { readonly kind: 'ints'; readonly ints: readonly D[] }
  /** A tensor that lives on an engine; read when the graph is written, never moved. */
  | { readonly kind: 'tensor'; readonly id: object; readonly read: () => Elements }
  /** Bytes that stay in the file they lie in. */
  | { readonly kind: 'file'; readonly slice: FileSlice };

export interface Value<D extends Dim = Dim> {
  readonly dtype: ElementType;
  readonly shape: readonly D[];
  /** Set when nothing computes the value. */
  readonly source?: Source<D>;
  /** The node that computes it. */
  node?: Node<D>;
  /** How to compute the value without running the graph; only values made of constants have one. */
  recipe?: Recipe<D>;
}

export type Attribute = number | string | readonly number[] | { readonly float: number };

export interface Node<D extends Dim = Dim> {
  readonly op: string;
  /** Operator set; ONNX' own when absent. */
  readonly domain?: string;
  readonly inputs: readonly (Value<D> | undefined)[];
  readonly outputs: readonly Value<D>[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** The tensor operation that asked for it, for messages. */
  readonly from: string;
}

/** A tensor whose values another backend has, or an operation on constants for another backend to do. */
export type Recipe<D extends Dim = Dim> = { readonly read: () => Elements } | KernelRecipe<D>;

export interface KernelRecipe<D extends Dim = Dim> {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, Value<D>>>;
  readonly attributes: object;
  /** Which of the operation's results the value is. */
  readonly index: number;
}

export interface Graph<D extends Dim = Dim> {
  readonly inputs: readonly Value<D>[];
  readonly nodes: readonly Node<D>[];
  readonly outputs: readonly { readonly name: string; readonly value: Value<D> }[];
}

/** All values that something takes, each once. */
export function valuesOf({ nodes, outputs }: Graph): Value[] {
  const values = new Set<Value | undefined>([...nodes.flatMap(({ inputs }) => inputs), ...outputs.map(o => o.value)]);
  values.delete(undefined);
  return [...values] as Value[];
}

/** Appends nodes to a list; kernels and passes write graphs with it and nothing else. */
export interface Builder<D extends Dim = Dim> {
  /** A node with one output. */
  op(
    op: string,
    inputs: readonly (Value<D> | undefined)[],
    dtype: ElementType,
    shape: readonly D[],
    attributes?: Node['attributes'],
    domain?: string,
  ): Value<D>;
  /** A node with several outputs. */
  ops(
    op: string,
    inputs: readonly (Value<D> | undefined)[],
    outputs: readonly { dtype: ElementType; shape: readonly D[] }[],
    attributes?: Node['attributes'],
    domain?: string,
  ): Value<D>[];
  /** A one-dimensional int64 argument. */
  ints(ints: readonly D[]): Value<D>;
  /** A constant without axes. */
  scalar(value: number, dtype: ElementType): Value<D>;
  data(data: Elements, dtype: ElementType, shape: readonly D[]): Value<D>;
}

export function builder<D extends Dim>(nodes: Node<D>[], from: string): Builder<D> {
  const data: Builder<D>['data'] = (data, dtype, shape) => ({ dtype, shape, source: { kind: 'data', data } });
  const ops: Builder<D>['ops'] = (op, inputs, outputs, attributes = {}, domain) => {
    const values: Value<D>[] = outputs.map(({ dtype, shape }) => ({ dtype, shape: [...shape] }));
    const node: Node<D> = { op, inputs, outputs: values, attributes, from, ...(domain && { domain }) };
    for (const value of values) value.node = node;
    nodes.push(node);
    return values;
  };
  return {
    ops,
    op: (op, inputs, dtype, shape, attributes, domain) => ops(op, inputs, [{ dtype, shape }], attributes, domain)[0]!,
    ints: ints => ({ dtype: 'int64', shape: [ints.length as D], source: { kind: 'ints', ints: [...ints] } }),
    scalar: (value, dtype) => data(elementsOf(dtype, [value]), dtype, []),
    data,
  };
}

/** Numbers as elements of a type. */
export function elementsOf(dtype: ElementType, values: ArrayLike<number>): Elements {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(values);
    case 'int32':
      return Int32Array.from(values);
    case 'bool':
    case 'uint8':
      return Uint8Array.from(values);
    case 'int8':
      return Int8Array.from(values);
    default:
      throw new Error(`elementsOf: no array type holds ${dtype}`);
  }
}

/** Elements in the array of their type: a backend may keep those of a cast as they were before. */
export const elementsAs = (dtype: ElementType, elements: Elements): Elements =>
  elements.constructor === elementsOf(dtype, []).constructor ? elements : elementsOf(dtype, elements);

export const sameDim = (a: Dim, b: Dim): boolean =>
  typeof a === 'number' || typeof b === 'number' ? a === b : a.factor === b.factor && a.offset === b.offset;

export const sameShape = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.every((dim, i) => sameDim(dim, b[i]!));

/** The number of elements of a shape; with a free batch, of one whose batch is 1. */
export const sizeOf = (shape: readonly Dim[]): number =>
  shape.reduce<number>((size, dim) => size * (typeof dim === 'number' ? dim : dim.factor + dim.offset), 1);

const widths: Record<ElementType, number> = {
  float32: 4,
  int32: 4,
  int64: 8,
  float16: 2,
  bfloat16: 2,
  bool: 1,
  int8: 1,
  uint8: 1,
};

/** How many bytes the elements of a value take. */
export const bytesIn = ({ shape, dtype }: Value): number => sizeOf(shape) * widths[dtype];

/** A shape as messages show it: `[batch, 197, 768]`. */
export const showShape = (shape: readonly Dim[]): string =>
  `[${shape.map(dim => (typeof dim === 'number' ? dim : dimName(dim))).join(', ')}]`;

/** A size that follows the batch, in words: `batch`, `2 batch + 1`. */
export function dimName({ factor, offset }: BatchDim): string {
  const scaled = factor === 1 ? 'batch' : `${factor} batch`;
  return offset === 0 ? scaled : `${scaled} ${offset > 0 ? '+' : '-'} ${Math.abs(offset)}`;
}
