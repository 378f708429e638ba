import { InputError } from '../../errors.js';
import type { ByteSource } from '../byteSource.js';
import { type Fail, type Global, kindOf, type Value } from './values.js';

/** What a pickle may refer to: the reader of each format says so. */
export interface PickleRules {
  /** The allow-listed global of this name, or undefined. */
  global(module: string, name: string): Global | undefined;
  /** What a persistent id stands for: a storage. */
  persistent(id: Value, fail: Fail): Value;
}

/** The state of one pickle being read. */
export interface Machine {
  readonly rules: PickleRules;
  readonly input: PickleInput;
  readonly stack: Value[];
  /** Stack heights at the open MARKs. */
  readonly marks: number[];
  readonly memo: Map<number, Value>;
  readonly fail: Fail;
  /** Place and name of the opcode being run, for messages. */
  opcodeAt: number;
  opcode: string;
  /** What may still be built, in units of about one stored value. */
  budget: number;
}

/** Bytes of a pickle in order. */
interface PickleInput {
  /** Offset of the next byte in the source. */
  at(): number;
  /** How many bytes the pickle can still have. */
  left(): number;
  /** The next `count` bytes, valid until the next call; refuses before reading what is not there. */
  take(count: number): Uint8Array;
  /** Text up to a line feed, without it. */
  line(): string;
}

/** A pickle of a real checkpoint takes about 100 bytes a tensor. */
export const maxPickleBytes = 32 * 2 ** 20;
const maxStack = 1_000_000;
/** Values kept in containers and the memo, together; a checkpoint needs about 60 a tensor. */
const maxValues = 2_000_000;
/** An empty map weighs about as much as this many list entries. */
const mapCost = 10;
const chunkBytes = 16384;
const maxLine = 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A machine at the first byte of a pickle. */
export function startMachine(source: ByteSource, start: number, rules: PickleRules): Machine {
  const fail: Fail = what => {
    const opcode = machine.opcode && ` (${machine.opcode})`;
    throw new InputError(`${source.name}: byte ${machine.opcodeAt}${opcode}: ${what}`);
  };
  const machine: Machine = {
    rules,
    input: pickleInput(source, start, fail),
    stack: [],
    marks: [],
    memo: new Map(),
    fail,
    opcodeAt: start,
    opcode: '',
    budget: maxValues,
  };
  return machine;
}

function pickleInput(source: ByteSource, start: number, fail: Fail): PickleInput {
  const end = Math.min(source.size, start + maxPickleBytes);
  let window: Uint8Array = new Uint8Array(0);
  let windowStart = start;
  let at = start;

  function take(count: number): Uint8Array {
    if (count > end - at) {
      fail(
        end < source.size
          ? `the pickle is longer than ${maxPickleBytes} bytes; expected a checkpoint of tensors`
          : `the pickle ends ${at + count - end} bytes too early; is the file cut short?`,
      );
    }
    if (at + count > windowStart + window.length) {
      window = source.read(at, Math.min(end - at, Math.max(count, chunkBytes)));
      windowStart = at;
    }
    const from = at - windowStart;
    at += count;
    return window.subarray(from, from + count);
  }

  function line(): string {
    const bytes: number[] = [];
    for (let byte = take(1)[0]!; byte !== 0x0a; byte = take(1)[0]!) {
      if (bytes.length === maxLine) fail(`a name is longer than ${maxLine} bytes`);
      bytes.push(byte);
    }
    return decodeText(Uint8Array.from(bytes), fail);
  }

  return { at: () => at, left: () => end - at, take, line };
}

/** Strict UTF-8. */
export function decodeText(bytes: Uint8Array, fail: Fail): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return fail('a text is not valid UTF-8');
  }
}

/** Puts a value on the stack, which is bounded. */
export function push(machine: Machine, value: Value): void {
  if (machine.stack.length === maxStack) machine.fail(`more than ${maxStack} values on the stack`);
  machine.stack.push(value);
}

/** Pushes something that holds other values, charging it to the budget. */
export function pushContainer(machine: Machine, value: Value, items: number): void {
  spend(machine, typeof value === 'object' && value !== null && value.kind === 'tuple' ? 1 + items : mapCost + items);
  push(machine, value);
}

/** Charges the budget with what is about to be built. */
export function spend(machine: Machine, values: number): void {
  machine.budget -= values;
  if (machine.budget < 0) machine.fail(`more than ${maxValues} values; expected a checkpoint of tensors`);
}

/** The topmost value, left in place; never from below an open MARK. */
export function peek(machine: Machine): Value {
  const { stack, marks } = machine;
  if (stack.length <= (marks.at(-1) ?? 0)) machine.fail('the stack is empty here');
  return stack[stack.length - 1]!;
}

/** Takes the topmost value off the stack; never from below an open MARK. */
export function pop(machine: Machine): Value {
  const value = peek(machine);
  machine.stack.pop();
  return value;
}

/** Everything above the last MARK, which is closed. */
export function popMark(machine: Machine): Value[] {
  const height = machine.marks.pop();
  if (height === undefined) return machine.fail('no MARK is open here');
  return machine.stack.splice(height);
}

/** Takes a text off the stack. */
export function popText(machine: Machine): string {
  const value = pop(machine);
  return typeof value === 'string' ? value : machine.fail(`expected a text, got ${kindOf(value)}`);
}

/** Takes the arguments of a call, a tuple, off the stack. */
export function popArguments(machine: Machine): readonly Value[] {
  const value = pop(machine);
  if (typeof value === 'object' && value?.kind === 'tuple') return value.items;
  return machine.fail(`expected a tuple of arguments, got ${kindOf(value)}`);
}
