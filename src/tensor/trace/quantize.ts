/**
 * Linear maps in eight-bit whole numbers: weights ahead of time, with a scale for each output; activations where the
 * graph runs, with one scale and zero point for all that a map is given. `y = x W + b` becomes
 * `(Q(x) - zero) Q(W) * scale * scales + b`, its product in whole numbers (ONNX' DynamicQuantizeLinear and
 * MatMulInteger, https://onnx.ai/onnx/operators).
 */
import { InputError } from '../../errors.js';
import { turn } from '../../turns.js';
import { evaluate, isConstant } from './constants.js';
import { type Builder, type Graph, type Node, showShape, type Value } from './graph.js';
import { asRows } from './passes/moves.js';
import { rewrite } from './passes/rewrite.js';

/** A matrix `[in, out]` as whole numbers from -127 to 127, each times the scale of its column. */
export interface QuantizedMatrix {
  readonly values: Int8Array;
  /** `[out]`. */
  readonly scales: Float32Array;
}

/** Matrices by where in a file they come from, so that the graphs for several sizes quantise each once. */
export type QuantizedMatrices = Map<string, QuantizedMatrix>;

/**
 * Quantises the linear maps whose weights are known, but for the first and the last, which would lose most: those
 * before which nothing is learned (a patch embedding) and those that no other map follows (a projection). Before and
 * after each weight the event loop may turn.
 *
 * @throws InputError when a weight holds what is no finite number.
 */
export async function quantizeLinears(graph: Graph, known: QuantizedMatrices): Promise<Graph> {
  const matrices = new Map<Value, QuantizedMatrix>();
  for (const { inputs, outputs } of innerLinears(graph)) {
    const weight = inputs[1]!;
    const origin = originOf(weight);
    const matrix = (origin === undefined ? undefined : known.get(origin)) ?? (await quantizeConstant(weight));
    if (origin !== undefined) known.set(origin, matrix);
    matrices.set(outputs[0]!, matrix);
    await turn();
  }
  const rows = new Map<Value, QuantizedRows>();
  return rewrite(graph, (node, g) => {
    const [y] = node.outputs as [Value];
    const matrix = matrices.get(y);
    if (!matrix) return undefined;
    const [x, , bias] = node.inputs as [Value, Value, Value?];
    const given = rows.get(x) ?? quantizeRows(g, x);
    rows.set(x, given);
    return [product(g, given, matrix, bias, y)];
  });
}

/** Operators that multiply with what is learned, when their second input is known. */
const maps: ReadonlySet<string> = new Set(['Linear', 'Gemm', 'MatMul', 'Conv']);

const isMap = ({ op, inputs }: Node): boolean => maps.has(op) && inputs[1] !== undefined && isConstant(inputs[1]);
const isTable = ({ op, inputs }: Node): boolean => op === 'Gather' && isConstant(inputs[0]!);

/** The linear maps with something learned before and another map after them. */
function innerLinears({ nodes }: Graph): Node[] {
  const learned = new Set<Value>();
  const has = (known: ReadonlySet<Value>) => (value: Value | undefined) => value !== undefined && known.has(value);
  const notFirst = nodes.filter(node => {
    const before = node.inputs.some(has(learned));
    if (before || isMap(node) || isTable(node)) for (const output of node.outputs) learned.add(output);
    return before;
  });
  const mapped = new Set<Value>();
  const last = new Set<Node>();
  for (const node of nodes.toReversed()) {
    const after = node.outputs.some(has(mapped));
    if (!after) last.add(node);
    if (after || isMap(node)) for (const input of node.inputs) if (input) mapped.add(input);
  }
  return notFirst.filter(node => node.op === 'Linear' && isMap(node) && !last.has(node));
}

/** Operations that leave the values of their first input as they are, and need no other input but sizes. */
const moving: ReadonlySet<string> = new Set(['Cast', 'Identity', 'Reshape', 'Transpose']);

/** Where in a file a weight comes from, and how it is moved from there; undefined for one that is not simply moved. */
function originOf(weight: Value): string | undefined {
  const moves: unknown[] = [];
  let value = weight;
  while (value.node) {
    const { op, attributes, inputs } = value.node;
    if (!moving.has(op)) return undefined;
    moves.push(op, attributes, value.shape);
    value = inputs[0]!;
  }
  if (value.source?.kind !== 'file') return undefined;
  const { path, offset } = value.source.slice;
  return JSON.stringify([path, offset, weight.shape, moves]);
}

async function quantizeConstant(weight: Value): Promise<QuantizedMatrix> {
  const elements = evaluate(weight) as Float32Array;
  await turn();
  const matrix = quantizeMatrix(elements, weight.shape[1] as number);
  if (matrix.scales.every(Number.isFinite)) return matrix;
  throw new InputError(`compile: a weight ${showShape(weight.shape)} to quantise holds values that are not finite`);
}

/** Brings each column of a matrix `[in, out]` to whole numbers up to 127; 0 stays 0. What is not finite shows in the scales. */
export function quantizeMatrix(matrix: Float32Array, columns: number): QuantizedMatrix {
  const largest = new Float32Array(columns);
  for (let at = 0; at < matrix.length; at += columns) {
    for (let j = 0; j < columns; j++) largest[j] = Math.max(largest[j]!, Math.abs(matrix[at + j]!));
  }
  const factors = largest.map(size => (size > 0 ? 127 / size : 0));
  const values = new Int8Array(matrix.length);
  for (let at = 0; at < matrix.length; at += columns) {
    // Rounds by cutting off what is above 0: three times as fast as `Math.round`.
    for (let j = 0; j < columns; j++) values[at + j] = Math.trunc(matrix[at + j]! * factors[j]! + 127.5) - 127;
  }
  return { values, scales: largest.map(size => size / 127) };
}

/** The rows that a map is given, quantised; several maps may share them. */
interface QuantizedRows {
  /** `[rows, in]`, uint8. */
  readonly values: Value;
  readonly scale: Value;
  readonly zero: Value;
}

function quantizeRows(g: Builder, x: Value): QuantizedRows {
  const shape = asRows(x.shape);
  const flat = x.shape.length === 2 ? x : g.op('Reshape', [x, g.ints(shape)], 'float32', shape);
  const scalar = (dtype: 'float32' | 'uint8') => ({ dtype, shape: [] });
  const made = g.ops('DynamicQuantizeLinear', [flat], [{ dtype: 'uint8', shape }, scalar('float32'), scalar('uint8')]);
  const [values, scale, zero] = made as [Value, Value, Value];
  return { values, scale, zero };
}

function product(g: Builder, x: QuantizedRows, w: QuantizedMatrix, bias: Value | undefined, y: Value): Value {
  const columns = w.scales.length;
  const shape = [x.values.shape[0]!, columns];
  const weight = g.data(w.values, 'int8', [w.values.length / columns, columns]);
  const whole = g.op('MatMulInteger', [x.values, weight, x.zero], 'int32', shape);
  const scales = g.op('Mul', [x.scale, g.data(w.scales, 'float32', [columns])], 'float32', [columns]);
  const scaled = g.op('Mul', [g.op('Cast', [whole], 'float32', shape, { to: 1 }), scales], 'float32', shape);
  const shifted = bias ? g.op('Add', [scaled, bias], 'float32', shape) : scaled;
  return y.shape.length === 2 ? shifted : g.op('Reshape', [shifted, g.ints(y.shape)], 'float32', y.shape);
}
