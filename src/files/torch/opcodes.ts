import { unsigned64, viewOf } from '../byteSource.js';
import { quoted } from '../quote.js';
import {
  decodeText,
  type Machine,
  peek,
  pop,
  popArguments,
  popMark,
  popText,
  push,
  pushContainer,
  spend,
} from './machine.js';
import { type Dict, isKind, type Key, kindOf, type Value } from './values.js';

/** One allow-listed opcode: its name in Python's `pickletools`, and what it does. */
type Operation = readonly [name: string, run: (machine: Machine) => void];

/** The longest integer a checkpoint holds is the 80-bit magic number of the legacy format. */
const maxIntegerBytes = 256;

/**
 * Every opcode that may appear: what Python's pickler and TorchScript's write for tensors, containers, numbers and
 * texts under protocols 2 to 5. PROTO and STOP belong to the loop. Whatever is missing here is refused.
 */
export const operations: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [0x95, ['FRAME', frame]],

  [0x4e, ['NONE', m => push(m, null)]],
  [0x88, ['NEWTRUE', m => push(m, true)]],
  [0x89, ['NEWFALSE', m => push(m, false)]],
  [0x4a, ['BININT', m => push(m, unsigned(m, 4) | 0)]],
  [0x4b, ['BININT1', m => push(m, unsigned(m, 1))]],
  [0x4d, ['BININT2', m => push(m, unsigned(m, 2))]],
  [0x8a, ['LONG1', m => push(m, integer(m, unsigned(m, 1)))]],
  [0x8b, ['LONG4', m => push(m, integer(m, unsigned(m, 4)))]],
  [0x47, ['BINFLOAT', m => push(m, viewOf(m.input.take(8)).getFloat64(0))]],

  [0x58, ['BINUNICODE', m => push(m, text(m, unsigned(m, 4)))]],
  [0x8c, ['SHORT_BINUNICODE', m => push(m, text(m, unsigned(m, 1)))]],
  [0x8d, ['BINUNICODE8', m => push(m, text(m, length64(m)))]],
  [0x42, ['BINBYTES', m => bytes(m, unsigned(m, 4))]],
  [0x43, ['SHORT_BINBYTES', m => bytes(m, unsigned(m, 1))]],
  [0x8e, ['BINBYTES8', m => bytes(m, length64(m))]],

  [0x28, ['MARK', mark]],
  [0x29, ['EMPTY_TUPLE', m => tuple(m, [])]],
  [0x85, ['TUPLE1', m => tuple(m, [pop(m)])]],
  [0x86, ['TUPLE2', m => tuple(m, [pop(m), pop(m)].reverse())]],
  [0x87, ['TUPLE3', m => tuple(m, [pop(m), pop(m), pop(m)].reverse())]],
  [0x74, ['TUPLE', m => tuple(m, popMark(m))]],
  [0x5d, ['EMPTY_LIST', m => pushContainer(m, { kind: 'list', items: [] }, 0)]],
  [0x61, ['APPEND', m => append(m, [pop(m)])]],
  [0x65, ['APPENDS', m => append(m, popMark(m))]],
  [0x7d, ['EMPTY_DICT', m => pushContainer(m, { kind: 'dict', ordered: false, entries: new Map() }, 0)]],
  [0x73, ['SETITEM', m => setItems(m, [pop(m), pop(m)].reverse())]],
  [0x75, ['SETITEMS', m => setItems(m, popMark(m))]],

  [0x71, ['BINPUT', m => remember(m, unsigned(m, 1))]],
  [0x72, ['LONG_BINPUT', m => remember(m, unsigned(m, 4))]],
  [0x94, ['MEMOIZE', m => remember(m, m.memo.size)]],
  [0x68, ['BINGET', m => recall(m, unsigned(m, 1))]],
  [0x6a, ['LONG_BINGET', m => recall(m, unsigned(m, 4))]],

  [0x63, ['GLOBAL', m => lookUp(m, m.input.line(), m.input.line())]],
  [0x93, ['STACK_GLOBAL', stackGlobal]],
  [0x52, ['REDUCE', reduce]],
  [0x81, ['NEWOBJ', newObject]],
  [0x62, ['BUILD', build]],
  [0x51, ['BINPERSID', m => pushContainer(m, m.rules.persistent(pop(m), m.fail), 0)]],
]);

function unsigned(machine: Machine, width: 1 | 2 | 4): number {
  const view = viewOf(machine.input.take(width));
  return width === 1 ? view.getUint8(0) : width === 2 ? view.getUint16(0, true) : view.getUint32(0, true);
}

function length64(machine: Machine): number {
  return unsigned64(viewOf(machine.input.take(8)), 0);
}

function integer(machine: Machine, width: number): number | bigint {
  if (width > maxIntegerBytes) machine.fail(`an integer of ${width} bytes; at most ${maxIntegerBytes} are expected`);
  let value = 0n;
  for (const byte of machine.input.take(width).slice().reverse()) value = (value << 8n) | BigInt(byte);
  const signed = BigInt.asIntN(8 * width, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}

function text(machine: Machine, length: number): string {
  return decodeText(machine.input.take(length), machine.fail);
}

function bytes(machine: Machine, length: number): void {
  machine.input.take(length);
  push(machine, { kind: 'bytes' });
}

/** A frame only announces how many bytes of opcodes follow. */
function frame(machine: Machine): void {
  const length = length64(machine);
  const { input, fail } = machine;
  if (length > input.left()) fail(`a frame of ${length} bytes; ${input.left()} are left`);
}

function mark(machine: Machine): void {
  spend(machine, 1);
  machine.marks.push(machine.stack.length);
}

function tuple(machine: Machine, items: readonly Value[]): void {
  pushContainer(machine, { kind: 'tuple', items }, items.length);
}

function append(machine: Machine, items: readonly Value[]): void {
  const target = peek(machine);
  if (!isKind(target, 'list')) machine.fail(`expected a list to append to, got ${kindOf(target)}`);
  spend(machine, items.length);
  for (const item of items) target.items.push(item);
}

function setItems(machine: Machine, items: readonly Value[]): void {
  const target = peek(machine);
  if (!isKind(target, 'dict')) machine.fail(`expected a dictionary to fill, got ${kindOf(target)}`);
  if (items.length % 2 !== 0) machine.fail('a dictionary key has no value');
  spend(machine, items.length);
  for (let i = 0; i < items.length; i += 2) setItem(machine, target, items[i]!, items[i + 1]!);
}

function setItem(machine: Machine, { entries }: Dict, key: Value, value: Value): void {
  if (!isKey(key)) machine.fail(`expected a text or a number as dictionary key, got ${kindOf(key)}`);
  if (entries.has(key)) machine.fail(`the dictionary key ${quoted(String(key))} appears twice`);
  entries.set(key, value);
}

function isKey(value: Value): value is Key {
  return typeof value !== 'object' || value === null;
}

function remember(machine: Machine, index: number): void {
  spend(machine, 1);
  machine.memo.set(index, peek(machine));
}

function recall(machine: Machine, index: number): void {
  const value = machine.memo.get(index);
  if (value === undefined) machine.fail(`nothing was stored under memo number ${index}`);
  push(machine, value);
}

function stackGlobal(machine: Machine): void {
  const name = popText(machine);
  lookUp(machine, popText(machine), name);
}

/** Refused where it is mentioned, not where it is called. */
function lookUp(machine: Machine, module: string, name: string): void {
  const known = machine.rules.global(module, name);
  if (!known) {
    machine.fail(
      `the pickle refers to ${quoted(`${module}.${name}`)}, which is outside the allow-list; ` +
        'expected plain tensors, as torch.save(model.state_dict(), path) writes',
    );
  }
  pushContainer(machine, known, 0);
}

function reduce(machine: Machine): void {
  const args = popArguments(machine);
  const callee = pop(machine);
  if (!isKind(callee, 'global') || !callee.call) {
    machine.fail(`expected an allow-listed function to call, got ${nameOf(callee)}`);
  }
  pushContainer(machine, callee.call(args, machine.fail), 0);
}

function newObject(machine: Machine): void {
  const args = popArguments(machine);
  const type = pop(machine);
  if (!isKind(type, 'global') || !type.create || args.length > 0) {
    machine.fail(`expected a TorchScript class and no arguments, got ${nameOf(type)} and ${args.length}`);
  }
  pushContainer(machine, type.create(), 0);
}

function nameOf(value: Value): string {
  return isKind(value, 'global') ? quoted(value.name) : kindOf(value);
}

/** Attributes for a TorchScript object; for an OrderedDict (a state dict's `_metadata`) they are dropped. */
function build(machine: Machine): void {
  const state = pop(machine);
  const target = peek(machine);
  const fits = isKind(target, 'instance') || (isKind(target, 'dict') && target.ordered);
  if (!fits || !isKind(state, 'dict')) {
    machine.fail(
      `expected an OrderedDict or TorchScript object and a dictionary, got ${kindOf(target)} and ${kindOf(state)}`,
    );
  }
  if (isKind(target, 'instance')) target.attributes = state.entries;
}
