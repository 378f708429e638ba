/** What ONNX Runtime says when something goes wrong, in one line that names the operation. */
import { InputError } from '../../errors.js';

/** An operation failed in a run: name of the runtime's operator, name of the node, reason. */
const inRun = /while running (\S+) node\. Name:'([^']*)' Status Message: (.*)$/;
/** Reasons that lie in what a call was given: its values, or how many there are. */
const ofInput = /out of (data )?bounds|out of range|indices element|exceeds the supported maximum/i;
const tooLarge = /Tensor shape is too large|bad_alloc|out of memory|allocate memory/i;
/** No operator for these types: type and operator, node; or operator and node. */
const badType = /Type '(?<type>[^']*)' of \w+ parameter \(.*?\) of operator \((?<op>\w+)\) in node \((?<node>.*?)\)/;
/** The runtime of a page has no code to run. */
const noBackend = /no available backend found\. ERR: \[\w+\] (.*?)(?: Build with -sASSERTIONS.*)?$/;
const noKernel = /Could not find an implementation for (?<op>\w+)\(\d+\) node with name '(?<node>[^']*)'/;

const textOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();

/** Nodes are named after the tensor operation that they come from, and a number; what joins them adds its own name. */
const operationOf = (node: string): string => node.replace(/\/.*$/, '').replace(/_\d+$/, '');

/** The error of a graph that could not be started. */
export function startError(cause: unknown): Error {
  const text = textOf(cause);
  const missing = noBackend.exec(text)?.[1];
  if (missing) {
    const mend = 'serve its dist folder, pass its address as wasmPaths, and load the page again';
    return new InputError(`compile: onnxruntime-web does not start (${missing}); ${mend}`, { cause });
  }
  const found = (badType.exec(text) ?? noKernel.exec(text))?.groups;
  if (!found) return new Error(`compile: ONNX Runtime refuses the graph: ${text}`, { cause });
  const types = found.type ? `of type ${found.type.replace(/^tensor\((.*)\)$/, '$1')}` : 'of these types';
  const operation = operationOf(found.node!);
  return new InputError(`compile: '${operation}': ONNX Runtime has no ${found.op} ${types}; cast first`, { cause });
}

/** The error of a run that broke off. */
export function runError(cause: unknown): Error {
  const text = textOf(cause);
  const [, op, node = '', reason] = inRun.exec(text) ?? [];
  if (tooLarge.test(text)) {
    const result = op ? `the result of '${operationOf(node)}'` : 'a result';
    return new InputError(`compiled function: ${result} does not fit into memory; give it less at once`, { cause });
  }
  if (!op) return new Error(`compiled function: ONNX Runtime: ${text}`, { cause });
  const message = `compiled function: '${operationOf(node)}' (${op} in the graph) failed: ${reason}`;
  return ofInput.test(reason!) ? new InputError(message, { cause }) : new Error(message, { cause });
}
