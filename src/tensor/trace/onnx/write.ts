/**
 * A graph as an ONNX model. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Weights that lie in
 * files are referred to, not copied.
 */
import { InputError } from '../../../errors.js';
import { inTurns, turning } from '../../../turns.js';
import {
  type Attribute,
  bytesIn,
  type Dim,
  type Elements,
  type ElementType,
  type Graph,
  type Node,
  type Value,
} from '../graph.js';
import { Message } from './protobuf.js';

/** The oldest operator set that has all that is written, so that the most runtimes read it. */
const opset = 20;
const irVersion = 9;

const elementTypes: Record<ElementType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
};

/** The name of the free batch size in a model's inputs and outputs. */
export const batchName = 'batch';

/** Some milliseconds' worth, on which the event loop may wait. */
const messagesATurn = 200;
const bytesATurn = 1 << 23;

/** What a protobuf message may be long. */
const mostBytes = 2 ** 31 - 1;

/** Says where the elements of a known value lie outside the model; undefined for those that go into it. */
export type Placement = (value: Value) => Placed | undefined;

export interface Placed {
  /** The file, as the model calls it: from the folder that the runtime is told, or the model's own. */
  readonly location: string;
  /** In bytes, as is the length. */
  readonly offset: number;
  readonly length: number;
}

/**
 * The model's bytes. They may be many, so the event loop turns on the way.
 *
 * @param graph lowered: only inputs and outputs still have sizes that follow the batch.
 */
export async function writeOnnx(graph: Graph, place: Placement): Promise<Uint8Array> {
  // Fields of one message may stand in any order, so each part is written when it turns up.
  const body = new Message().text(2, 'clipscope');
  const names = new Map<Value, string>();
  const constants: Value[] = [];
  const ports = new Set([...graph.inputs.map(inputName), ...graph.outputs.map(({ name }) => name)]);
  const nameOf = (value: Value | undefined): string => {
    if (!value) return '';
    const known = names.get(value);
    if (known !== undefined) return known;
    let name = `v${names.size}`;
    while (ports.has(name)) name += '_';
    names.set(value, name);
    if (!value.node) constants.push(value);
    return name;
  };

  for (const value of graph.inputs) {
    const name = inputName(value);
    names.set(value, name);
    body.message(11, valueInfo(name, value));
  }
  const copies: Node[] = [];
  for (const { name, value } of graph.outputs) {
    body.message(12, valueInfo(name, value));
    if (value.node && !names.has(value)) {
      names.set(value, name);
      continue;
    }
    const copy: Value = { dtype: value.dtype, shape: value.shape };
    names.set(copy, name);
    copies.push({ op: 'Identity', inputs: [value], outputs: [copy], attributes: {}, from: 'output' });
  }
  const nodes = [...graph.nodes, ...copies];
  await inTurns(nodes, messagesATurn, (node, i) => {
    // What fails at run time is told by this name.
    body.message(1, nodeMessage(node, `${node.from}_${i}`, nameOf));
  });
  checkSize(
    body.length,
    constants.filter(value => !place(value)),
  );
  const moved = turning(bytesATurn);
  await inTurns(constants, messagesATurn, value => {
    const made = initializer(names.get(value)!, value, place(value));
    body.message(5, made);
    return moved(made.length);
  });
  const model = new Message().int(1, irVersion).text(2, 'clipscope').message(7, body);
  model.message(8, new Message().text(1, '').int(2, opset));
  const domains = new Set(graph.nodes.flatMap(({ domain }) => domain ?? []));
  for (const domain of domains) model.message(8, new Message().text(1, domain).int(2, 1));
  return model.finish(moved);
}

/** Before the memory is taken. @throws InputError when a model would be larger than the format allows. */
function checkSize(nodes: number, constants: readonly Value[]): void {
  const bytes = constants.reduce((total, value) => total + bytesIn(value), nodes);
  if (bytes <= mostBytes) return;
  throw new InputError(
    `compile: the tensors that the function uses take ${(bytes / 1e9).toFixed(2)} GB, and a graph holds 2.14; ` +
      "load weights from a safetensors file, where they stay (see 'convert'), or lift them to inputs",
  );
}

const inputName = ({ source }: Value): string => (source?.kind === 'input' ? source.name : '');

function nodeMessage(node: Node, name: string, nameOf: (value: Value | undefined) => string): Message {
  const written = new Message();
  for (const input of node.inputs) written.text(1, nameOf(input));
  for (const output of node.outputs) written.text(2, nameOf(output));
  written.text(3, name).text(4, node.op);
  for (const [key, value] of Object.entries(node.attributes)) written.message(5, attribute(key, value));
  return node.domain ? written.text(7, node.domain) : written;
}

function attribute(name: string, value: Attribute): Message {
  const written = new Message().text(1, name);
  if (typeof value === 'number') return written.int(3, value).int(20, 2);
  if (typeof value === 'string') return written.text(4, value).int(20, 3);
  if ('float' in value) return written.float(2, value.float).int(20, 1);
  return written.ints(8, value).int(20, 7);
}

function valueInfo(name: string, { dtype, shape }: Value): Message {
  const sizes = new Message();
  for (const dim of shape) sizes.message(1, typeof dim === 'number' ? new Message().int(1, dim) : freeDim(dim));
  return new Message()
    .text(1, name)
    .message(2, new Message().message(1, new Message().int(1, elementTypes[dtype]).message(2, sizes)));
}

/** A size by name where it is the batch itself; a size computed from it stays unnamed. */
const freeDim = ({ factor, offset }: Exclude<Dim, number>): Message =>
  factor === 1 && offset === 0 ? new Message().text(2, batchName) : new Message();

function initializer(name: string, value: Value, placed: Placed | undefined): Message {
  const written = new Message().int(2, elementTypes[value.dtype]).text(8, name);
  written.ints(1, value.shape.map(wholeNumber));
  if (!placed) return written.bytes(9, bytesOf(value));
  for (const [key, entry] of Object.entries(placed)) {
    written.message(13, new Message().text(1, key).text(2, String(entry)));
  }
  return written.int(14, 1);
}

/** The elements of a known value as they are stored, in the order of the machine's bytes. */
export function bytesOf({ source }: Value): Uint8Array {
  const { buffer, byteOffset, byteLength } = elements(source);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function elements(source: Value['source']): Elements | BigInt64Array {
  if (source?.kind === 'data') return source.data;
  if (source?.kind === 'ints') return BigInt64Array.from(source.ints.map(dim => BigInt(wholeNumber(dim))));
  if (source?.kind === 'tensor') return source.read();
  throw new Error(`writeOnnx: a value that nothing makes (${source?.kind ?? 'no source'})`);
}

function wholeNumber(dim: Dim): number {
  if (typeof dim === 'number') return dim;
  throw new Error('writeOnnx: a size inside the graph still follows the batch');
}
