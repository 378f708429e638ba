import { InputError } from '../../errors.js';
import { dtypeWidths } from '../dtype.js';
import { quoted } from '../quote.js';
import { isKind, type Key, kindOf, type StoredTensor, type Value } from './values.js';

/** Keys under which training checkpoints keep the weights. */
const containers = ['state_dict', 'model', 'module'];

const maxDepth = 64;
const maxVisits = 1_000_000;
const maxName = 4096;
/** Characters of all names together; a checkpoint needs about 60 a tensor. */
const maxNames = 2 ** 25;
/** Tied weights make a checkpoint's tensors larger than its file, but not many times. */
const maxSharing = 16;

/**
 * The tensors inside a checkpoint's object by name, in file order: a dictionary of tensors, possibly inside
 * `state_dict`, `model` or `module`, or a TorchScript module. Names of what is nested further are joined by dots; whatever is
 * not a tensor is left out.
 * @param fileBytes bounds what the tensors may claim together.
 * @throws InputError when there are no tensors, a name appears twice, or the object is nested without end.
 */
export function collectTensors(root: Value, fileName: string, fileBytes: number): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  let visits = 0;
  let characters = 0;
  let bytes = 0;
  const refuse = (what: string): never => {
    throw new InputError(`${fileName}: ${what}`);
  };

  function visit(entries: ReadonlyMap<Key, Value>, prefix: string, depth: number): void {
    if (depth > maxDepth) refuse(`its object is nested more than ${maxDepth} deep, or contains itself`);
    for (const [key, value] of entries) {
      if (++visits > maxVisits) refuse(`its object has more than ${maxVisits} parts`);
      const inner = entriesOf(value);
      if (typeof key !== 'string' || !(inner || isKind(value, 'tensor'))) continue;
      const name = prefix + key;
      if (name.length > maxName) refuse(`a tensor name is longer than ${maxName} characters`);
      if (inner) visit(inner, `${name}.`, depth + 1);
      if (!isKind(value, 'tensor')) continue;
      if (tensors.has(name)) refuse(`there are two tensors of the name ${quoted(name)}`);
      characters += name.length;
      if (characters > maxNames) refuse(`its tensor names have more than ${maxNames} characters together`);
      tensors.set(name, value);
      bytes += value.elements * dtypeWidths[value.dtype];
    }
  }

  const entries = entriesOf(unwrap(root));
  if (!entries) return refuse(`expected a dictionary of tensors, got ${kindOf(root)}`);
  visit(entries, '', 1);
  if (tensors.size === 0) refuse('expected a dictionary of tensors, but no tensor is in it');
  if (bytes > maxSharing * fileBytes) refuse(`its tensors share storage to claim ${bytes} bytes, out of ${fileBytes}`);
  return tensors;
}

function entriesOf(value: Value): ReadonlyMap<Key, Value> | undefined {
  if (isKind(value, 'dict')) return value.entries;
  return isKind(value, 'instance') ? value.attributes : undefined;
}

function unwrap(root: Value): Value {
  let value = root;
  for (let depth = 0; depth < maxDepth && isKind(value, 'dict'); depth++) {
    const { entries } = value;
    const inner = containers.map(key => entries.get(key)).find(candidate => isKind(candidate, 'dict'));
    if (inner === undefined) break;
    value = inner;
  }
  return value;
}
